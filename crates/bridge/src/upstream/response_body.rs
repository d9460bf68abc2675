//! The response body of an upstream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use drawbridge_core::status::grpc_status;
use h2::RecvStream;
use http_body::{Body as HttpBody, Frame};
use tokio::task::JoinHandle;
use tonic::Status;

use super::failure::Failure;
use super::head_size;
use super::health::Outcome;
use super::lease::{Lease, Stage};
use super::report::outcome_of;
use crate::body::Coalesce;

/// The response body of an upstream, passed on as it arrives. Data that is ready at one time becomes one frame, since
/// upstreams often send each message in a frame of its own.
///
/// Flow control: data that is not read from here is not read from the upstream, beyond the window of the stream. Dropping the
/// body resets the stream at once.
pub(super) struct ResponseBody {
    // Declared first, so that the stream is reset before the lease gives its place to another call.
    stream: RecvStream,
    lease: Lease,
    /// The task that sends the rest of the request. It returns the status of a request that breaks a rule.
    request_task: Option<JoinHandle<Option<Status>>>,
    /// `Err` is the end of the data, `Some` with an error.
    coalesce: Coalesce<Option<h2::Error>>,
    has_ended: bool,
    /// Whether the bridge itself made the call. It has no context to end, so the body fails with the status of a failure.
    is_internal: bool,
}

impl ResponseBody {
    pub(super) fn new(
        stream: RecvStream,
        lease: Lease,
        request_task: Option<JoinHandle<Option<Status>>>,
        is_internal: bool,
    ) -> Self {
        Self { stream, lease, request_task, coalesce: Coalesce::new(), has_ended: false, is_internal }
    }

    /// Returns the status of a request that has turned out to break a rule.
    fn poll_refused(&mut self, cx: &mut Context<'_>) -> Option<Status> {
        let Poll::Ready(result) = Pin::new(self.request_task.as_mut()?).poll(cx) else { return None };
        self.request_task = None;
        result.ok().flatten()
    }

    fn finish(&mut self) {
        self.has_ended = true;
        self.lease.stage = Stage::Finished;
    }

    /// Receives what follows the data: trailers with a status, or a failure.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match ready!(self.stream.poll_trailers(cx)) {
            Ok(trailers) => {
                let trailers = trailers.unwrap_or_default();
                let Some(status) = grpc_status(&trailers) else {
                    self.lease.ended(Outcome::Failed);
                    return self.fail(Failure::missing_status(self.lease.authority()));
                };
                self.lease.connection().note_received();
                if let Err(failure) = head_size::check_response("trailers", &trailers) {
                    return self.fail(failure.at(self.lease.authority()));
                }
                self.lease.ended(outcome_of(Some(status)));
                self.finish();
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            Err(error) => {
                let failure = self.lease.failed(&error);
                self.fail(failure)
            }
        }
    }

    /// Ends the call with a failure of the upstream.
    fn fail(&mut self, failure: Failure) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.finish();
        if self.is_internal {
            return Poll::Ready(Some(Err(failure.status())));
        }
        failure.end_current_call();
        Poll::Ready(None)
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
        if this.has_ended {
            return Poll::Ready(None);
        }
        if let Some(status) = this.poll_refused(cx) {
            // The upstream has not seen the end of the request: its stream is reset.
            this.has_ended = true;
            return Poll::Ready(Some(Err(status)));
        }
        let polled = this.coalesce.poll(|| {
            this.stream.poll_data(cx).map(|data| match data {
                Some(Ok(data)) => Ok(data),
                Some(Err(error)) => Err(Some(error)),
                None => Err(None),
            })
        });
        match ready!(polled) {
            Ok(data) => {
                this.lease.connection().note_received();
                // Fails only if the stream is closed, which needs no capacity.
                let _ = this.stream.flow_control().release_capacity(data.len());
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            // The end comes again with the next poll, if the trailers have not arrived.
            Err(None) => this.poll_end(cx),
            Err(Some(error)) => {
                let failure = this.lease.failed(&error);
                this.fail(failure)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if let Some(task) = self.request_task.take() {
            task.abort();
        }
    }
}
