//! Reads the body of the response to one attempt.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderMap;
use http_body::Frame;
use tonic::{Code, Status};

use crate::body_decoder::BodyDecoder;
use crate::cause::Cause;
use crate::frame_decoder::Part;
use crate::guard::CallGuard;
use crate::malformed::Malformed;
use crate::network_error::connection_broke;
use crate::platform::Platform;
use crate::trailers;

/// Reads the body of the response to one attempt.
pub(crate) struct BodyReader<P: Platform> {
    chunks: P::Chunks,
    decoder: BodyDecoder,
    /// The frame that [`Self::poll_first`] read.
    first: Option<Frame<Bytes>>,
    /// The server's trailers. They are returned only when the body has ended, because nothing may follow them.
    trailers: Option<HeaderMap>,
    /// The status in the head of the response, which is empty if there is none. It applies if trailers have none.
    head_status: HeaderMap,
    at_end: bool,
}

impl<P: Platform> BodyReader<P> {
    /// Creates the reader of a body whose `first` chunk has been read.
    pub(crate) fn new(
        chunks: P::Chunks,
        mut decoder: BodyDecoder,
        first: Bytes,
        head_status: HeaderMap,
    ) -> Result<Self, Malformed> {
        decoder.push(first)?;
        Ok(Self { chunks, decoder, first: None, trailers: None, head_status, at_end: false })
    }

    /// Reads until the first byte of a message or the trailers have arrived.
    pub(crate) fn poll_first(
        &mut self,
        guard: &CallGuard<P>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Status>> {
        match self.poll_frame(guard, cx) {
            Poll::Ready(Ok(frame)) => {
                self.first = Some(frame);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(status)) => Poll::Ready(Err(status)),
            Poll::Pending if self.trailers.is_some() => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Returns the server's trailers, if they have arrived before a message.
    pub(crate) fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_ref().or_else(|| self.first.as_ref()?.trailers_ref())
    }

    /// Returns whether the trailers have arrived, and the body has not ended after them.
    pub(crate) fn waits_for_end(&self) -> bool {
        self.trailers.is_some()
    }

    /// Returns whether the body was read to its end.
    pub(crate) fn at_end(&self) -> bool {
        self.at_end
    }

    /// Reads message bytes, and at the end the trailers.
    ///
    /// # Errors
    ///
    /// Returns a status if the server's trailers do not arrive: the body failed or was malformed, or the call ended.
    pub(crate) fn poll_frame(
        &mut self,
        guard: &CallGuard<P>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Frame<Bytes>, Status>> {
        if let Some(frame) = self.first.take() {
            return Poll::Ready(Ok(frame));
        }
        loop {
            match self.decoder.next()? {
                Some(Part::Messages(bytes)) => return Poll::Ready(Ok(Frame::data(bytes))),
                Some(Part::Trailers(block)) => {
                    // A head with a status is that of a response without messages.
                    let head_status = (self.decoder.begun() == 0).then_some(&self.head_status);
                    let trailers = trailers::parse_with_status(&block, head_status)?;
                    self.decoder.check_trailers(&trailers)?;
                    self.trailers = Some(trailers);
                    continue;
                }
                None => {}
            }
            if self.at_end {
                self.decoder.check_complete()?;
                return Poll::Ready(self.trailers_or(|| {
                    Cause::NoStatus.status(Code::Unknown, "the response ended without a status")
                }));
            }
            if let Poll::Ready(status) = guard.poll_ended(cx) {
                return Poll::Ready(self.trailers_or(|| status));
            }
            match self.chunks.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(chunk))) => self.decoder.push(chunk)?,
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(self.trailers_or(|| connection_broke(guard.platform(), &error)));
                }
                Poll::Ready(None) => {
                    self.at_end = true;
                    self.decoder.finish()?;
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Ends the body with the server's trailers if they have arrived, otherwise with another status.
    fn trailers_or(&mut self, status: impl FnOnce() -> Status) -> Result<Frame<Bytes>, Status> {
        self.trailers.take().map(Frame::trailers).ok_or_else(status)
    }
}
