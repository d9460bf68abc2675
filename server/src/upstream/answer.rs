//! The answer of an upstream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http_body::{Body as HttpBody, Frame};
use tokio::task::AbortHandle;
use tonic::Status;

use super::failure::Failure;
use super::pool::{Lease, Stage};
use crate::call::CallContext;

/// The body of an upstream's answer, passed on as it comes. What is not taken from here is not taken from the upstream,
/// beyond the window of its stream. Dropping it resets the stream at once.
pub(super) struct Answer {
    // Dropped first, so that the stream is reset before its place is given to another.
    stream: RecvStream,
    lease: Lease,
    /// The rest of the messages, which are sent while the answer comes.
    upload: Option<AbortHandle>,
    over: bool,
}

impl Answer {
    pub(super) fn new(stream: RecvStream, lease: Lease, upload: Option<AbortHandle>) -> Self {
        Self { stream, lease, upload, over: false }
    }

    fn finish(&mut self) {
        self.over = true;
        self.lease.stage = Stage::Over;
    }

    /// Ends the call for a failure of the upstream.
    fn fail(&mut self, failure: Failure) {
        self.finish();
        end_call(failure);
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

impl HttpBody for Answer {
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
        match ready!(this.stream.poll_data(cx)) {
            Some(Ok(data)) => {
                this.lease.connection.hear();
                // It fails only for a stream that is closed, which needs no room.
                let _ = this.stream.flow_control().release_capacity(data.len());
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            Some(Err(error)) => this.fail(this.lease.failure(&error)),
            None => match ready!(this.stream.poll_trailers(cx)) {
                Ok(Some(trailers)) if trailers.contains_key(Status::GRPC_STATUS) => {
                    this.lease.connection.hear();
                    this.finish();
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Ok(_) => this.fail(Failure::no_status(this.lease.authority())),
                Err(error) => this.fail(this.lease.failure(&error)),
            },
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            upload.abort();
        }
    }
}
