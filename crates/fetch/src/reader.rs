//! What reads the body of one attempt's answer.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderMap;
use http_body::Frame;
use tonic::{Code, Status};

use crate::cause::Cause;
use crate::decoder::Decoder;
use crate::frame::Part;
use crate::host::{Failure, Host};
use crate::lifeline::Lifeline;
use crate::malformed::Malformed;
use crate::trailers;

/// Reads the body of one attempt's answer.
pub(crate) struct Reader<H: Host> {
    chunks: H::Chunks,
    decoder: Decoder,
    /// What was read ahead.
    ahead: Option<Frame<Bytes>>,
    /// The trailers of the server, which are told when the body has ended: nothing may follow them.
    verdict: Option<HeaderMap>,
    at_end: bool,
}

impl<H: Host> Reader<H> {
    /// Creates the reader of a body of which `first` has been read already.
    pub(crate) fn new(chunks: H::Chunks, mut decoder: Decoder, first: Bytes) -> Result<Self, Malformed> {
        decoder.push(first)?;
        Ok(Self { chunks, decoder, ahead: None, verdict: None, at_end: false })
    }

    /// Reads until the first byte of a message or the server's verdict is there.
    pub(crate) fn poll_ahead(
        &mut self,
        life: &Lifeline<H>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Status>> {
        match self.poll_frame(life, cx) {
            Poll::Ready(Ok(frame)) => {
                self.ahead = Some(frame);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(status)) => Poll::Ready(Err(status)),
            Poll::Pending if self.verdict.is_some() => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Returns the server's verdict, if it was what [`Self::poll_ahead`] has read.
    pub(crate) fn verdict(&self) -> Option<&HeaderMap> {
        self.verdict.as_ref().or_else(|| self.ahead.as_ref()?.trailers_ref())
    }

    /// Tells whether the verdict has come, and the body that it ends has not ended.
    pub(crate) fn waits_for_end(&self) -> bool {
        self.verdict.is_some()
    }

    /// Tells whether the body was read to its end.
    pub(crate) fn at_end(&self) -> bool {
        self.at_end
    }

    /// Reads on: returns bytes of messages, and at the end the trailers.
    ///
    /// # Errors
    ///
    /// When there is no verdict of the server: because the body broke, or broke the protocol, or the call has ended.
    pub(crate) fn poll_frame(
        &mut self,
        life: &Lifeline<H>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Frame<Bytes>, Status>> {
        if let Some(frame) = self.ahead.take() {
            return Poll::Ready(Ok(frame));
        }
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
                return Poll::Ready(self.verdict_or(|| {
                    Cause::NoStatus.status(Code::Unknown, "the answer was cut off: it ended without a status")
                }));
            }
            if let Poll::Ready(status) = life.poll_ended(cx) {
                return Poll::Ready(self.verdict_or(|| status));
            }
            match self.chunks.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(chunk))) => self.decoder.push(chunk)?,
                Poll::Ready(Some(Err(failure))) => {
                    return Poll::Ready(self.verdict_or(|| broken(life.host(), &failure)));
                }
                Poll::Ready(None) => {
                    self.at_end = true;
                    self.decoder.finish()?;
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Ends the body with the server's verdict if it has come, else with another status.
    fn verdict_or(&mut self, other: impl FnOnce() -> Status) -> Result<Frame<Bytes>, Status> {
        self.verdict.take().map(Frame::trailers).ok_or_else(other)
    }
}

/// Returns the status of an answer that broke off.
pub(crate) fn broken<H: Host>(host: &H, Failure(words): &Failure) -> Status {
    let offline = host.offline();
    let suffix = if offline { "; the browser is offline" } else { "" };
    let message = format!("the connection to the server broke: {words}{suffix}");
    Cause::ConnectionBroke { offline }.status(Code::Unavailable, message)
}
