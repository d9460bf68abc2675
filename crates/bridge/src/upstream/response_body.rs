//! The answer of an upstream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use drawbridge_core::headers::GRPC_STATUS;
use h2::RecvStream;
use http_body::{Body as HttpBody, Frame};
use tokio::task::AbortHandle;
use tonic::Status;

use super::failure::Failure;
use super::lease::{Lease, Stage};
use crate::body::Coalesce;
use crate::call::CallContext;

/// The body of an upstream's answer, passed on as it comes: what is there at one time as one piece, since upstreams often
/// send each message in a frame of its own. What is not taken from here is not taken from the upstream,
/// beyond the window of its stream. Dropping it resets the stream at once.
pub(super) struct ResponseBody {
    // Dropped first, so that the stream is reset before its place is given to another.
    stream: RecvStream,
    lease: Lease,
    /// The rest of the messages, which are sent while the answer comes.
    upload: Option<AbortHandle>,
    /// What was ready behind the piece that was handed on last, and could not go with it.
    next: Option<Bytes>,
    over: bool,
    /// Whether the call is one of the bridge's own: whoever reads the answer is told of a failure then, and no caller.
    own: bool,
}

impl ResponseBody {
    pub(super) fn new(stream: RecvStream, lease: Lease, upload: Option<AbortHandle>, own: bool) -> Self {
        Self { stream, lease, upload, next: None, over: false, own }
    }

    fn finish(&mut self) {
        self.over = true;
        self.lease.stage = Stage::Over;
    }

    /// Comes for what is behind the last message.
    fn poll_end(
        &mut self,
        end: Result<Option<Bytes>, h2::Error>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let trailers = match end {
            Ok(_) => ready!(self.stream.poll_trailers(cx)),
            Err(error) => Err(error),
        };
        match trailers {
            Ok(Some(trailers)) if trailers.contains_key(GRPC_STATUS) => {
                self.lease.connection().hear();
                self.finish();
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            Ok(_) => self.fail(Failure::no_status(self.lease.authority())),
            Err(error) => self.fail(self.lease.failure(&error)),
        }
    }

    /// Ends the call for a failure of the upstream.
    fn fail(&mut self, failure: Failure) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.finish();
        if self.own {
            return Poll::Ready(Some(Err(failure.status())));
        }
        end_call(failure);
        Poll::Ready(None)
    }
}

/// Ends the current call for a failure of its upstream, or because its time is up, if that is so by now: what the
/// upstream does at the deadline may be seen first.
pub(super) fn end_call(failure: Failure) {
    if let Some(context) = CallContext::current() {
        context.check_deadline();
        context.end(failure.into_end());
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        let mut gathered = Coalesce::default();
        loop {
            let polled = match this.next.take() {
                Some(piece) => Poll::Ready(Some(Ok(piece))),
                None => this.stream.poll_data(cx),
            };
            match polled {
                Poll::Ready(Some(Ok(piece))) => {
                    if let Err(piece) = gathered.push(piece) {
                        this.next = Some(piece);
                        break;
                    }
                    if gathered.is_large() {
                        break;
                    }
                }
                Poll::Pending if gathered.is_empty() => return Poll::Pending,
                Poll::Ready(end) if gathered.is_empty() => return this.poll_end(end.transpose(), cx),
                // An end or an error comes again with the next poll.
                Poll::Pending | Poll::Ready(_) => break,
            }
        }
        this.lease.connection().hear();
        let data = gathered.into_bytes();
        // It fails only for a stream that is closed, which needs no room.
        let _ = this.stream.flow_control().release_capacity(data.len());
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            upload.abort();
        }
    }
}
