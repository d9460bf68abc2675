//! The end of a call.

use std::sync::TryLockError;
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;

use drawbridge_core::EndReason;
use tokio::sync::Notify;

use super::{CallContext, log, now};

impl CallContext {
    /// Returns why the call ended, or `None` while it is open.
    pub fn end_reason(&self) -> Option<&EndReason> {
        self.0.end.get()
    }

    /// Returns when the call ended, as far as that was noted.
    pub(crate) fn ended_at(&self) -> Option<Instant> {
        self.0.ended_at.get().copied()
    }

    /// Notes that the call has ended just now, unless that was noted before.
    pub(in crate::call) fn note_end(&self) {
        self.0.ended_at.get_or_init(now);
    }

    /// Waits until the call has ended, for whatever reason, and returns that reason.
    ///
    /// The handler itself and its stream need not wait for this: they are dropped. It is for work that outlives them.
    pub async fn cancelled(&self) -> EndReason {
        loop {
            // Created before the look at the reason, so that no end falls between the two: either that one sees that
            // somebody waits, or this one sees the end (`end`).
            let ended = self.0.ended.get_or_init(Notify::new).notified();
            fence(Ordering::SeqCst);
            if let Some(reason) = self.end_reason() {
                return reason.clone();
            }
            ended.await;
        }
    }

    /// Ends the call with CANCELLED and these words, on behalf of its handler. Nothing happens if it has ended.
    ///
    /// The handler's future and its stream are dropped. The one that calls this may not return from its next await.
    pub fn cancel(&self, words: impl Into<String>) {
        self.end(EndReason::CancelledByHandler(words.into()));
    }

    /// Ends the call, and tells whether this was what ended it: the first reason stands.
    ///
    /// The reason is recorded first and logged; then the answer's body is dropped, those who wait for the end
    /// are told, and the connection is woken so that it comes for the status.
    pub(crate) fn end(&self, reason: EndReason) -> bool {
        // Asked first, since most calls are ended once more when nobody follows them any longer, and time costs.
        if self.end_reason().is_some() {
            return false;
        }
        let by_handler = matches!(reason, EndReason::Completed(_));
        if self.0.end.set(reason).is_err() {
            return false;
        }
        if !by_handler {
            self.note_end();
        }
        self.0.calls.ended(self);
        log::ended(self);
        // Whoever polls the body at this moment holds the lock, and looks for the reason once it has let go of it
        // (`with_body`). Whoever waits for the end says so, and then looks for the reason (`cancelled`). Between them and
        // this, the fences see to it that at least one sees what the other did.
        fence(Ordering::SeqCst);
        // A handler ends its call where that is polled, and most calls in their first poll: those have had no body yet, and
        // nobody waits for them on behalf of the connection.
        let went_on = !by_handler || self.0.went_on.load(Ordering::Relaxed);
        if went_on {
            let body = match self.0.body.try_lock() {
                Ok(mut body) => body.take(),
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().take(),
                Err(TryLockError::WouldBlock) => None,
            };
            self.drop_body(body);
        }
        if let Some(ended) = self.0.ended.get() {
            ended.notify_waiters();
        }
        // An answer that is complete is in the hands of the one that is to be woken.
        if went_on
            && let Some(waker) = self.0.waker.take()
            && !by_handler
        {
            waker.wake();
        }
        true
    }

    /// Ends the call if its time is up and its timer is yet to notice: timers are up to a millisecond late. To be called
    /// with a failure in hand: what a handler waited for may have failed by the same deadline, and be the first to say so.
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
