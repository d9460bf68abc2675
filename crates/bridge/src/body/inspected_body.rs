//! A body that looks at each frame of another body.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

/// How a body ends.
pub(crate) enum BodyEnd<'a> {
    Trailers(&'a HeaderMap),
    /// Without trailers.
    Complete,
    Failed(&'a Status),
}

/// Looks at the frames of an [`InspectedBody`].
///
/// An error from one of its methods replaces the frame, and is the end of the body.
pub(crate) trait FrameInspector: Unpin {
    /// Called before the body is polled. `Ready` ends the body with this status.
    fn poll_abort(&mut self, _cx: &mut Context<'_>) -> Poll<Status> {
        Poll::Pending
    }

    /// Called with the data of each frame.
    fn on_data(&mut self, _data: &[u8]) -> Result<(), Status> {
        Ok(())
    }

    /// Called once, with the end of the body.
    fn on_end(&mut self, end: BodyEnd<'_>) -> Result<(), Status>;
}

/// A body whose frames are inspected. The inner body is dropped as soon as it has ended, before its end is returned.
pub(crate) struct InspectedBody<I> {
    /// `None` once the body has ended.
    inner: Option<(Body, I)>,
}

impl<I: FrameInspector> InspectedBody<I> {
    pub(crate) const fn new(body: Body, inspector: I) -> Self {
        Self { inner: Some((body, inspector)) }
    }
}

impl<I: FrameInspector> HttpBody for InspectedBody<I> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some((body, inspector)) = &mut self.inner else { return Poll::Ready(None) };
        let frame = match inspector.poll_abort(cx) {
            Poll::Ready(status) => Some(Err(status)),
            Poll::Pending => ready!(Pin::new(body).poll_frame(cx)),
        };
        let (result, is_end) = match &frame {
            Some(Ok(frame)) => match frame.trailers_ref() {
                Some(trailers) => (inspector.on_end(BodyEnd::Trailers(trailers)), true),
                None => (inspector.on_data(frame.data_ref().map_or(&[], AsRef::as_ref)), false),
            },
            Some(Err(status)) => (inspector.on_end(BodyEnd::Failed(status)), true),
            None => (inspector.on_end(BodyEnd::Complete), true),
        };
        if is_end || result.is_err() {
            self.inner = None;
        }
        Poll::Ready(match result {
            Ok(()) => frame,
            Err(status) => Some(Err(status)),
        })
    }

    fn is_end_stream(&self) -> bool {
        // The end itself is inspected, so it has to be polled for.
        self.inner.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), |(body, _)| body.size_hint())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    /// Aborts the body if `abort` is set. Refuses empty data, and an end without trailers.
    struct Inspector {
        abort: bool,
    }

    impl FrameInspector for Inspector {
        fn poll_abort(&mut self, _: &mut Context<'_>) -> Poll<Status> {
            if self.abort { Poll::Ready(Status::cancelled("aborted")) } else { Poll::Pending }
        }

        fn on_data(&mut self, data: &[u8]) -> Result<(), Status> {
            if data.is_empty() { Err(Status::internal("empty")) } else { Ok(()) }
        }

        fn on_end(&mut self, end: BodyEnd<'_>) -> Result<(), Status> {
            match end {
                BodyEnd::Complete => Err(Status::unknown("no trailers")),
                BodyEnd::Trailers(_) | BodyEnd::Failed(_) => Ok(()),
            }
        }
    }

    /// Reads a body of these frames that is pending at its end. Returns what it yields until its inner body is dropped.
    fn read(frames: Vec<Result<Frame<Bytes>, Status>>, complete: bool, abort: bool) -> Vec<String> {
        let alive = Arc::new(());
        let held = Arc::downgrade(&alive);
        let frames = stream::iter(frames).inspect(move |_| assert_eq!(Arc::strong_count(&alive), 1));
        let body = if complete {
            Body::new(StreamBody::new(frames))
        } else {
            Body::new(StreamBody::new(frames.chain(stream::pending())))
        };
        let mut body = InspectedBody::new(body, Inspector { abort });
        let mut yielded = Vec::new();
        while held.strong_count() > 0 {
            yielded.push(
                match body.frame().now_or_never().expect("the inner body is dropped with its end").unwrap() {
                    Ok(frame) if frame.is_trailers() => "trailers".to_owned(),
                    Ok(_) => "data".to_owned(),
                    Err(status) => status.message().to_owned(),
                },
            );
        }
        assert!(body.is_end_stream());
        assert!(body.frame().now_or_never().unwrap().is_none());
        yielded
    }

    fn data(text: &'static str) -> Frame<Bytes> {
        Frame::data(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn the_inner_body_is_dropped_with_its_end() {
        let trailers = || Ok(Frame::trailers(HeaderMap::new()));
        assert_eq!(read(vec![Ok(data("a")), trailers()], false, false), ["data", "trailers"]);
        assert_eq!(read(vec![Ok(data("a")), Err(Status::internal("lost"))], false, false), ["data", "lost"]);
        assert_eq!(read(vec![Ok(data("a"))], true, false), ["data", "no trailers"]);
    }

    #[test]
    fn an_error_of_the_inspector_ends_the_body() {
        assert_eq!(read(vec![Ok(data("a")), Ok(data("")), Ok(data("b"))], false, false), ["data", "empty"]);
        assert_eq!(read(vec![Ok(data("a"))], false, true), ["aborted"]);
    }
}
