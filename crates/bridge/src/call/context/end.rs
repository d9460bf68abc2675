//! The end of a call.

use std::sync::atomic::{Ordering, fence};

use drawbridge_core::EndReason;
use tokio::sync::Notify;
use tonic::Status;

use super::{CallContext, log, now};
use crate::call::pushback::with_pushback;

impl CallContext {
    /// Waits until the call has ended, for whatever reason, and returns that reason.
    ///
    /// The handler itself and its response stream need not wait for this: they are dropped. It is for work that outlives
    /// them. Dropping the future stops waiting, and nothing else.
    pub async fn cancelled(&self) -> EndReason {
        loop {
            // Created before the look at the reason, so that no end falls between the two: either `end` sees the waiter, or
            // this sees the end.
            let ended = self.0.ended.get_or_init(Notify::new).notified();
            fence(Ordering::SeqCst);
            if let Some(reason) = self.end_reason() {
                return reason.clone();
            }
            ended.await;
        }
    }

    /// Ends the call with CANCELLED and this message, on behalf of its handler. Nothing happens if it has ended already.
    ///
    /// The handler's future and its response stream are dropped, so code in them that calls this may not return from its
    /// next await.
    pub fn cancel(&self, message: impl Into<String>) {
        self.end(EndReason::CancelledByHandler(message.into()));
    }

    /// Ends the call, and tells whether this ended it: the first reason stands.
    /// In this order: the reason is recorded, the call leaves its list, the end is logged, hooks
    /// run, the response body is dropped, waiters are notified, and the connection is woken to send the status.
    pub(crate) fn end(&self, reason: EndReason) -> bool {
        // Checked first, because most calls are ended once more when their guard is dropped.
        if self.end_reason().is_some() {
            return false;
        }
        let by_handler = matches!(reason, EndReason::Completed(_));
        let record = &self.0.record;
        if record.end.set(reason).is_err() {
            return false;
        }
        if !by_handler {
            record.note_end();
        }
        if let Some(list) = self.0.list.upgrade() {
            self.leave_list(&list);
        }
        if self.0.observers.logs_calls() {
            log::ended(record, self.0.caller_span.clone());
        }
        self.0.observers.call_ended(self);
        // What polls the body at this moment holds its lock, and looks for the reason once it has released it
        // (`with_body`). What waits for the end says so, and then looks for the reason (`cancelled`). The fences there and
        // here make at least one side see what the other did.
        fence(Ordering::SeqCst);
        // A handler ends its call where the call is polled, and most calls in their first poll: those have had no body and
        // no waker.
        let used = !by_handler || self.0.response.is_used();
        if used {
            self.drop_body(self.0.response.try_take());
        }
        if let Some(ended) = self.0.ended.get() {
            ended.notify_waiters();
        }
        // A complete response is in the hands of what would be woken.
        if used
            && let Some(waker) = self.0.response.take_waker()
            && !by_handler
        {
            waker.wake();
        }
        true
    }

    /// Returns the status to send to the caller, if the call has ended for a reason that sends one.
    pub(in crate::call) fn end_status(&self) -> Option<Status> {
        match self.end_reason()? {
            reason @ (EndReason::Draining | EndReason::MaxDuration { .. }) => {
                reason.status().map(with_pushback)
            }
            reason => reason.status(),
        }
    }

    /// Ends the call if its deadline has passed and its timer is still to notice: timers are up to a millisecond late. To be
    /// called with a failure in hand: what the handler waited for may have failed by the same deadline, and be first.
    pub(crate) fn check_deadline(&self) {
        if let Some(deadline) = self.deadline()
            && deadline.expired(now())
        {
            self.end(EndReason::DeadlineExceeded { granted: deadline.granted() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use bytes::Bytes;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use tonic::body::Body;
    use tonic::{Code, Status};

    use super::*;
    use crate::call::Calls;

    #[tokio::test]
    async fn a_handlers_end_lets_go_of_the_body_that_was_handed_over() {
        let call = CallContext::of(&Calls::new(usize::MAX), "/a.B/C");
        let held = Arc::new(());
        let inside = Arc::clone(&held);
        let stream = futures_util::stream::once(async move {
            let nothing = pending::<Result<Frame<Bytes>, Status>>().await;
            drop(inside);
            nothing
        });
        call.put_body(Body::new(StreamBody::new(Box::pin(stream))));
        assert_eq!(Arc::strong_count(&held), 2);
        call.end(EndReason::Completed(Code::Ok));
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
