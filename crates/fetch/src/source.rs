//! The one place where a call is ended from this side.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// Why this side ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The call or its stream was dropped.
    Dropped,
    /// The caller cancelled it.
    Cancelled,
    /// The page was left.
    PageLeft,
    /// The time is up.
    Deadline,
}

/// What stops a request that is under way.
pub(crate) type Abort = Box<dyn FnOnce() + Send>;

/// The cancel source of one call: whatever ends the call from this side ends it here.
///
/// The first reason wins. It is recorded before the request is aborted, because the abort comes back as a failure
/// that tells no reason; and the abort happens at once, not when the call is next polled, because nobody may poll a
/// slow reader's call, and a page that is being left runs no further tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source(Arc<Mutex<State>>);

/// A [`Source`] that does not keep its call's state alive.
#[derive(Clone, Debug)]
pub(crate) struct WeakSource(Weak<Mutex<State>>);

#[derive(Default)]
struct State {
    end: Option<End>,
    abort: Option<Abort>,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The call came to its end; no reason of this side can end it any more.
    Closed,
    By(Reason),
}

impl Source {
    /// Takes what stops the request that now begins. It is used at once if the call has ended meanwhile; else what
    /// is left of the request before it, if there was one, is stopped.
    pub(crate) fn arm(&self, abort: Abort) {
        let mut state = self.lock();
        let stop = if state.end.is_none() { state.abort.replace(abort) } else { Some(abort) };
        drop(state);
        if let Some(stop) = stop {
            stop();
        }
    }

    /// Ends the call for this reason: records it, aborts the request, and wakes the call to tell of it. After an
    /// earlier end it changes nothing.
    pub(crate) fn end(&self, reason: Reason) {
        self.finish(End::By(reason), true);
    }

    /// Notes that the answer was read to its end: nothing is left to abort.
    pub(crate) fn complete(&self) {
        self.finish(End::Closed, false);
    }

    /// Notes that the call has failed by itself, and stops what may be left of its request.
    pub(crate) fn abandon(&self) {
        self.finish(End::Closed, true);
    }

    /// Returns why this side has ended the call, if it has.
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.lock().reason()
    }

    /// Waits until this side ends the call.
    pub(crate) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<Reason> {
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

    /// Returns a handle that does not keep the call's state alive.
    pub(crate) fn downgrade(&self) -> WeakSource {
        WeakSource(Arc::downgrade(&self.0))
    }

    fn finish(&self, end: End, aborts: bool) {
        let mut state = self.lock();
        if state.end.is_some() {
            return;
        }
        state.end = Some(end);
        let (abort, waker) = (state.abort.take(), state.waker.take());
        // Both run foreign code, which may well come back here.
        drop(state);
        if let (Some(abort), true) = (abort, aborts) {
            abort();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, and a state is whole at every moment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn reason(&self) -> Option<Reason> {
        match self.end {
            Some(End::By(reason)) => Some(reason),
            Some(End::Closed) | None => None,
        }
    }
}

impl WeakSource {
    /// Returns the source if its call still exists.
    pub(crate) fn upgrade(&self) -> Option<Source> {
        self.0.upgrade().map(Source)
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

    fn ended(source: &Source) -> Poll<Reason> {
        source.poll_ended(&mut Context::from_waker(&noop_waker()))
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
        let source = Source::default();
        let (aborts, abort) = counter();
        source.arm(abort);
        assert_eq!(ended(&source), Poll::Pending);
        source.end(Reason::PageLeft);
        source.end(Reason::Cancelled);
        source.end(Reason::Dropped);
        assert_eq!(ended(&source), Poll::Ready(Reason::PageLeft));
        assert_eq!(aborts.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_reason_is_recorded_before_the_abort() {
        let source = Source::default();
        let seen = Arc::new(Mutex::new(None));
        source.arm(Box::new({
            let (source, seen) = (source.clone(), Arc::clone(&seen));
            move || *seen.lock().unwrap() = Some(ended(&source))
        }));
        source.end(Reason::Deadline);
        assert_eq!(*seen.lock().unwrap(), Some(Poll::Ready(Reason::Deadline)));
    }

    #[test]
    fn a_request_that_begins_too_late_is_aborted_at_once() {
        let source = Source::default();
        source.end(Reason::Cancelled);
        let (aborts, abort) = counter();
        source.arm(abort);
        assert_eq!(aborts.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_further_attempt_stops_the_one_before_it() {
        let source = Source::default();
        let ((first_aborts, first), (second_aborts, second)) = (counter(), counter());
        source.arm(first);
        source.arm(second);
        assert_eq!(first_aborts.load(Ordering::Relaxed), 1);
        assert_eq!(second_aborts.load(Ordering::Relaxed), 0);
        source.end(Reason::Dropped);
        assert_eq!(second_aborts.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_completed_call_is_never_aborted() {
        let source = Source::default();
        let (aborts, abort) = counter();
        source.arm(abort);
        source.complete();
        source.end(Reason::Dropped);
        assert_eq!(ended(&source), Poll::Pending);
        assert_eq!(aborts.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_failed_call_leaves_no_request_behind() {
        let source = Source::default();
        let (aborts, abort) = counter();
        source.arm(abort);
        source.abandon();
        assert_eq!(aborts.load(Ordering::Relaxed), 1);
        assert_eq!(ended(&source), Poll::Pending);
    }

    #[test]
    fn the_end_wakes_the_call() {
        struct Woken(AtomicU32);
        impl std::task::Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (source, woken) = (Source::default(), Arc::new(Woken(AtomicU32::new(0))));
        let waker = Waker::from(Arc::clone(&woken));
        assert_eq!(source.poll_ended(&mut Context::from_waker(&waker)), Poll::Pending);
        source.end(Reason::Cancelled);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }
}
