//! Records why a call ended on this side, and aborts its request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// Why a call ended on this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CancelReason {
    /// The call or its stream was dropped.
    Dropped,
    /// The caller cancelled it.
    Cancelled,
    /// The user left the page.
    PageLeft,
    /// The deadline passed.
    DeadlineExceeded,
}

/// Stops a request that was sent.
pub(crate) type Abort = Box<dyn FnOnce() + Send>;

/// The cancellation of one call. Whatever cancels the call does so here.
///
/// The first reason wins. It is recorded before the request is aborted, because the abort makes the request fail without
/// a reason. The request is aborted immediately and not when the call is next polled: a slow reader may not poll, and a
/// page that is being left runs no tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct CancelToken(Arc<Mutex<State>>);

/// A [`CancelToken`] that does not keep the state of its call alive.
#[derive(Clone, Debug)]
pub(crate) struct WeakCancelToken(Weak<Mutex<State>>);

#[derive(Default)]
struct State {
    end: Option<End>,
    abort: Option<Abort>,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The response ended or failed. The call cannot be cancelled any more.
    Closed,
    Cancelled(CancelReason),
}

impl CancelToken {
    /// Sets how the current request is aborted, and aborts the request before it. If the call was cancelled meanwhile,
    /// aborts the current request.
    pub(crate) fn set_abort(&self, abort: Abort) {
        let mut state = self.lock();
        let stop = if state.end.is_none() { state.abort.replace(abort) } else { Some(abort) };
        drop(state);
        if let Some(stop) = stop {
            stop();
        }
    }

    /// Cancels the call: records the reason, aborts the request and wakes the task that polls the call. Does nothing
    /// after an earlier end.
    pub(crate) fn cancel(&self, reason: CancelReason) {
        self.finish(End::Cancelled(reason), true);
    }

    /// Records that the response was read to its end.
    pub(crate) fn complete(&self) {
        self.finish(End::Closed, false);
    }

    /// Records that the call failed, and aborts what may be left of its request.
    pub(crate) fn abandon(&self) {
        self.finish(End::Closed, true);
    }

    /// Returns why the call was cancelled, if it was.
    pub(crate) fn reason(&self) -> Option<CancelReason> {
        self.lock().reason()
    }

    /// Waits until the call is cancelled.
    pub(crate) fn poll_cancelled(&self, cx: &mut Context<'_>) -> Poll<CancelReason> {
        let mut state = self.lock();
        if let Some(reason) = state.reason() {
            return Poll::Ready(reason);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            waker => *waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// Returns a token that does not keep the state of the call alive.
    pub(crate) fn downgrade(&self) -> WeakCancelToken {
        WeakCancelToken(Arc::downgrade(&self.0))
    }

    fn finish(&self, end: End, aborts: bool) {
        let mut state = self.lock();
        if state.end.is_some() {
            return;
        }
        state.end = Some(end);
        let (abort, waker) = (state.abort.take(), state.waker.take());
        // Both may call this token, which must not be locked then.
        drop(state);
        if let (Some(abort), true) = (abort, aborts) {
            abort();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is valid after every statement, so a panic in between does not break it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn reason(&self) -> Option<CancelReason> {
        match self.end {
            Some(End::Cancelled(reason)) => Some(reason),
            Some(End::Closed) | None => None,
        }
    }
}

impl WeakCancelToken {
    /// Returns the token if its call still exists.
    pub(crate) fn upgrade(&self) -> Option<CancelToken> {
        self.0.upgrade().map(CancelToken)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("end", &self.end).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::task::noop_waker;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn cancelled(token: &CancelToken) -> Poll<CancelReason> {
        token.poll_cancelled(&mut Context::from_waker(&noop_waker()))
    }

    fn counter() -> (Arc<AtomicU32>, Abort) {
        let count = Arc::new(AtomicU32::new(0));
        let abort = Box::new({
            let count = Arc::clone(&count);
            move || {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        (count, abort)
    }

    #[test]
    fn the_first_reason_wins_and_aborts_once() {
        let token = CancelToken::default();
        let (aborts, abort) = counter();
        token.set_abort(abort);
        assert_eq!(cancelled(&token), Poll::Pending);
        token.cancel(CancelReason::PageLeft);
        token.cancel(CancelReason::Cancelled);
        token.cancel(CancelReason::Dropped);
        assert_eq!(cancelled(&token), Poll::Ready(CancelReason::PageLeft));
        assert_eq!(aborts.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_reason_is_recorded_before_the_abort() {
        let token = CancelToken::default();
        let seen = Arc::new(Mutex::new(None));
        token.set_abort(Box::new({
            let (token, seen) = (token.clone(), Arc::clone(&seen));
            move || *seen.lock().unwrap() = Some(cancelled(&token))
        }));
        token.cancel(CancelReason::DeadlineExceeded);
        assert_eq!(*seen.lock().unwrap(), Some(Poll::Ready(CancelReason::DeadlineExceeded)));
    }

    #[test]
    fn a_request_of_a_cancelled_call_is_aborted() {
        let token = CancelToken::default();
        token.cancel(CancelReason::Cancelled);
        let (aborts, abort) = counter();
        token.set_abort(abort);
        assert_eq!(aborts.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_further_attempt_aborts_the_previous_one() {
        let token = CancelToken::default();
        let ((first_aborts, first), (second_aborts, second)) = (counter(), counter());
        token.set_abort(first);
        token.set_abort(second);
        assert_eq!(first_aborts.load(Ordering::Relaxed), 1);
        assert_eq!(second_aborts.load(Ordering::Relaxed), 0);
        token.cancel(CancelReason::Dropped);
        assert_eq!(second_aborts.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_completed_call_is_never_aborted() {
        let token = CancelToken::default();
        let (aborts, abort) = counter();
        token.set_abort(abort);
        token.complete();
        token.cancel(CancelReason::Dropped);
        assert_eq!(cancelled(&token), Poll::Pending);
        assert_eq!(aborts.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_failed_call_aborts_its_request() {
        let token = CancelToken::default();
        let (aborts, abort) = counter();
        token.set_abort(abort);
        token.abandon();
        assert_eq!(aborts.load(Ordering::Relaxed), 1);
        assert_eq!(cancelled(&token), Poll::Pending);
    }

    #[test]
    fn cancelling_wakes_the_call() {
        struct Woken(AtomicU32);
        impl std::task::Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (token, woken) = (CancelToken::default(), Arc::new(Woken(AtomicU32::new(0))));
        let waker = Waker::from(Arc::clone(&woken));
        assert_eq!(token.poll_cancelled(&mut Context::from_waker(&waker)), Poll::Pending);
        token.cancel(CancelReason::Cancelled);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }
}
