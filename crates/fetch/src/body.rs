//! The body of an answer, as tonic's client reads it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use drawbridge_core::status::trailers_of;
use http_body::Frame;

use crate::host::Host;
use crate::lifeline::Lifeline;
use crate::reader::Reader;

/// How long a server that has told its verdict may take to end the answer. What it holds open then is let go.
const GRACE: Duration = Duration::from_secs(1);

/// The body of an answer: bytes of messages, and at the end always trailers.
///
/// It never fails. Whatever ends a call, be it the server, the connection or this side, is told in trailers, because
/// tonic reports a status from trailers once and one from a failed body twice. What had arrived before the end is
/// handed on before it, the server's own verdict included. Dropping the body aborts the request.
pub(crate) struct Body<H: Host>(Option<Open<H>>);

struct Open<H: Host> {
    life: Lifeline<H>,
    reader: Reader<H>,
    hastened: bool,
}

impl<H: Host> Body<H> {
    /// Returns the body of an answer that is all in its head.
    pub(crate) fn empty() -> Self {
        Self(None)
    }

    /// Returns the body of an answer that is read here, for as long as the call lives.
    pub(crate) fn new(life: Lifeline<H>, reader: Reader<H>) -> Self {
        Self(Some(Open { life, reader, hastened: false }))
    }
}

impl<H: Host> http_body::Body for Body<H> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(open) = &mut self.0 else { return Poll::Ready(None) };
        let frame = ready!(open.poll_frame(cx));
        if let Some(trailers) = frame.trailers_ref() {
            open.life.note_end_in(trailers);
            self.0 = None;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

impl<H: Host> Open<H> {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Frame<Bytes>> {
        match self.reader.poll_frame(&self.life, cx) {
            Poll::Ready(Ok(frame)) => {
                if frame.is_trailers() && self.reader.at_end() {
                    self.life.complete();
                } else if frame.is_trailers() {
                    self.life.abandon();
                }
                Poll::Ready(frame)
            }
            Poll::Ready(Err(status)) => {
                self.life.abandon();
                Poll::Ready(Frame::trailers(trailers_of(&status)))
            }
            Poll::Pending => {
                if self.reader.waits_for_end() && !std::mem::replace(&mut self.hastened, true) {
                    self.life.hasten(GRACE);
                }
                Poll::Pending
            }
        }
    }
}
