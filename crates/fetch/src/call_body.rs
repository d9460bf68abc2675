//! The response body that tonic's client reads.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use drawbridge_core::status::trailers_of;
use http_body::Frame;

use crate::body_reader::BodyReader;
use crate::guard::CallGuard;
use crate::platform::Platform;

/// How long a server may take to end the response after its trailers. Then the request is aborted.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// The body of a call's response: message bytes, and always trailers at the end.
///
/// It never fails. Every end of a call is reported in trailers, because tonic reports a status in trailers once, and the
/// error of a body twice. What arrived before the end is returned first. Dropping the body aborts the request.
pub(crate) struct CallBody<P: Platform>(Option<Open<P>>);

struct Open<P: Platform> {
    guard: CallGuard<P>,
    reader: BodyReader<P>,
    is_limited: bool,
}

impl<P: Platform> CallBody<P> {
    /// Returns the body of a response that has its status in its head.
    pub(crate) fn empty() -> Self {
        Self(None)
    }

    pub(crate) fn new(guard: CallGuard<P>, reader: BodyReader<P>) -> Self {
        Self(Some(Open { guard, reader, is_limited: false }))
    }
}

impl<P: Platform> Default for CallBody<P> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<P: Platform> http_body::Body for CallBody<P> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(open) = &mut self.0 else { return Poll::Ready(None) };
        let frame = ready!(open.poll_frame(cx));
        if let Some(trailers) = frame.trailers_ref() {
            open.guard.trace_end_in(trailers);
            self.0 = None;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

impl<P: Platform> Open<P> {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Frame<Bytes>> {
        match self.reader.poll_frame(&self.guard, cx) {
            Poll::Ready(Ok(frame)) => {
                if frame.is_trailers() && self.reader.at_end() {
                    self.guard.complete();
                } else if frame.is_trailers() {
                    self.guard.abandon();
                }
                Poll::Ready(frame)
            }
            Poll::Ready(Err(status)) => {
                self.guard.abandon();
                Poll::Ready(Frame::trailers(trailers_of(&status)))
            }
            Poll::Pending => {
                if self.reader.waits_for_end() && !std::mem::replace(&mut self.is_limited, true) {
                    self.guard.limit(END_TIMEOUT);
                }
                Poll::Pending
            }
        }
    }
}
