//! The body of an answer, as tonic's client reads it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderMap;
use http_body::Frame;
use tonic::{Code, Status};

use crate::cause::{Cause, trailers_of};
use crate::decoder::Decoder;
use crate::frame::Part;
use crate::host::{Failure, Host};
use crate::lifeline::Lifeline;
use crate::malformed::Malformed;
use crate::trailers;

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
    chunks: H::Chunks,
    decoder: Decoder,
    /// The trailers of the server, which are told when the body has ended: nothing may follow them.
    verdict: Option<HeaderMap>,
    at_end: bool,
    hastened: bool,
}

impl<H: Host> Body<H> {
    /// Returns the body of an answer that is all in its head.
    pub(crate) fn empty() -> Self {
        Self(None)
    }

    /// Returns the body of an answer that this decoder reads, and of which `first` has been read already.
    pub(crate) fn new(
        life: Lifeline<H>,
        chunks: H::Chunks,
        mut decoder: Decoder,
        first: Bytes,
    ) -> Result<Self, Malformed> {
        decoder.push(first)?;
        Ok(Self(Some(Open { life, chunks, decoder, verdict: None, at_end: false, hastened: false })))
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
        let frame = match open.poll_frame(cx) {
            Poll::Ready(Ok(frame)) => frame,
            Poll::Ready(Err(status)) => {
                open.life.abandon();
                Frame::trailers(trailers_of(&status))
            }
            Poll::Pending => return Poll::Pending,
        };
        if frame.is_trailers() {
            self.0 = None;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

impl<H: Host> Open<H> {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<Bytes>, Status>> {
        loop {
            match self.decoder.next()? {
                Some(Part::Messages(bytes)) => return Poll::Ready(Ok(Frame::data(bytes))),
                Some(Part::Trailers(block)) => {
                    let verdict = trailers::verdict(&block)?;
                    self.decoder.check_verdict(&verdict)?;
                    self.verdict = Some(verdict);
                    continue;
                }
                None => {}
            }
            if self.at_end {
                self.decoder.check_end()?;
                return Poll::Ready(self.verdict_or(|_| {
                    Cause::NoStatus.status(Code::Unknown, "the answer was cut off: it ended without a status")
                }));
            }
            if let Poll::Ready(status) = self.life.poll_ended(cx) {
                return Poll::Ready(self.verdict_or(|_| status));
            }
            match self.chunks.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(chunk))) => self.decoder.push(chunk)?,
                Poll::Ready(Some(Err(failure))) => {
                    return Poll::Ready(self.verdict_or(|host| broken(host, &failure)));
                }
                Poll::Ready(None) => {
                    self.at_end = true;
                    self.decoder.finish()?;
                }
                Poll::Pending => {
                    if self.verdict.is_some() && !std::mem::replace(&mut self.hastened, true) {
                        self.life.hasten(GRACE);
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Ends the body with the server's verdict if it has come, else with another status.
    fn verdict_or(&mut self, other: impl FnOnce(&H) -> Status) -> Result<Frame<Bytes>, Status> {
        let verdict = self.verdict.take().ok_or_else(|| other(self.life.host()))?;
        if self.at_end {
            self.life.complete();
        } else {
            self.life.abandon();
        }
        Ok(Frame::trailers(verdict))
    }
}

/// Returns the status of an answer that broke off.
pub(crate) fn broken<H: Host>(host: &H, Failure(words): &Failure) -> Status {
    let offline = host.offline();
    let suffix = if offline { "; the browser is offline" } else { "" };
    let message = format!("the connection to the server broke: {words}{suffix}");
    Cause::ConnectionBroke { offline }.status(Code::Unavailable, message)
}
