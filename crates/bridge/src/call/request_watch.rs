//! Ends calls whose request stalls.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use drawbridge_core::EndReason;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::runtime::Handle;
use tonic::Status;
use tonic::body::Body;

use super::context::CallContext;
use super::list::CallList;
use super::request_wait::MAX_TICKS;

/// The body of a request that its caller has to send without long pauses. The call ends as [`EndReason::RequestStalled`] if the body
/// is waited for and none of it comes for the time that the list allows.
pub(super) struct WatchedRequest {
    body: Body,
    call: CallContext,
}

impl WatchedRequest {
    /// Watches a body for a call that is in this list.
    pub(super) fn new(body: Body, call: CallContext, list: &Arc<CallList<CallContext>>) -> Self {
        start(list);
        Self { body, call }
    }
}

impl HttpBody for WatchedRequest {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, call } = &mut *self;
        let polled = Pin::new(body).poll_frame(cx);
        match &polled {
            Poll::Pending => call.request_wait().begin(),
            // Nothing has come.
            Poll::Ready(Some(Ok(frame))) if frame.data_ref().is_some_and(Bytes::is_empty) => {}
            Poll::Ready(_) => call.request_wait().end(),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for WatchedRequest {
    fn drop(&mut self) {
        self.call.request_wait().end();
    }
}

/// Starts the watch of a list, unless it runs.
fn start(list: &Arc<CallList<CallContext>>) {
    if list.has_watch() {
        return;
    }
    if let (Some(timeout), Ok(runtime)) = (list.request_idle_timeout(), Handle::try_current())
        && list.begin_watch()
    {
        runtime.spawn(Watch(Arc::clone(list)).run(timeout));
    }
}

/// Looks at all open calls of a list from time to time, until none is open.
struct Watch(Arc<CallList<CallContext>>);

impl Watch {
    async fn run(self, timeout: Duration) {
        loop {
            tokio::time::sleep(timeout / u32::from(MAX_TICKS)).await;
            let Some(stalled) = self.0.watched(|call| call.request_wait().tick()) else { return };
            for call in stalled {
                // Each in its own task, so that a slow destructor of one handler does not delay other calls.
                tokio::spawn(async move { call.end(EndReason::RequestStalled { after: timeout }) });
            }
        }
    }
}

impl Drop for Watch {
    /// The runtime may have been shut down: another one starts its own watch.
    fn drop(&mut self) {
        self.0.end_watch();
    }
}
