//! The caller's own way to cancel.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::source::{Reason, Source, WeakSource};

/// Cancels calls: every one that carries it in its [`CallOptions`](crate::CallOptions), now or later.
///
/// Clones are one handle. Cancelling aborts the requests at once; each call then ends with one `CANCELLED`, whose
/// [`Cause`](crate::Cause) is `Cancelled`. A call that has ended before keeps its end. Dropping a handle cancels
/// nothing.
#[derive(Clone, Debug, Default)]
pub struct CancelHandle(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    cancelled: bool,
    calls: Vec<WeakSource>,
}

impl CancelHandle {
    /// Creates a handle that cancels nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels all calls that carry this handle. A call that is begun with it afterwards fails before it is sent.
    pub fn cancel(&self) {
        let mut state = self.lock();
        state.cancelled = true;
        let calls = std::mem::take(&mut state.calls);
        drop(state);
        for source in calls.iter().filter_map(WeakSource::upgrade) {
            source.end(Reason::Cancelled);
        }
    }

    /// Tells whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    /// Makes a call end with this handle.
    pub(crate) fn watch(&self, source: &Source) {
        let mut state = self.lock();
        if state.cancelled {
            drop(state);
            source.end(Reason::Cancelled);
            return;
        }
        // A handle may outlive any number of calls; it remembers only those that are open.
        state.calls.retain(|call| call.upgrade().is_some());
        state.calls.push(source.downgrade());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::task::noop_waker;
    use std::task::{Context, Poll};

    fn ended(source: &Source) -> Poll<Reason> {
        source.poll_ended(&mut Context::from_waker(&noop_waker()))
    }

    #[test]
    fn one_handle_cancels_all_its_calls() {
        let (handle, one, other) = (CancelHandle::new(), Source::default(), Source::default());
        handle.watch(&one);
        handle.clone().watch(&other);
        assert!(!handle.is_cancelled());
        handle.cancel();
        assert!(handle.is_cancelled());
        assert_eq!(ended(&one), Poll::Ready(Reason::Cancelled));
        assert_eq!(ended(&other), Poll::Ready(Reason::Cancelled));
    }

    #[test]
    fn a_cancelled_handle_ends_what_begins_with_it() {
        let (handle, source) = (CancelHandle::new(), Source::default());
        handle.cancel();
        handle.watch(&source);
        assert_eq!(ended(&source), Poll::Ready(Reason::Cancelled));
    }

    #[test]
    fn calls_that_are_gone_are_forgotten() {
        let handle = CancelHandle::new();
        for _ in 0..100 {
            handle.watch(&Source::default());
        }
        assert_eq!(handle.lock().calls.len(), 1);
    }
}
