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
