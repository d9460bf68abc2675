//! The handle with which a caller cancels calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cancel_token::{CancelReason, CancelToken, WeakCancelToken};

/// Cancels calls: all that have it in their [`CallOptions`](crate::CallOptions), also those that start later.
///
/// [`cancel`](Self::cancel) aborts their requests immediately. Each call then ends with `CANCELLED`, and its
/// [`Cause`](crate::Cause) is `Cancelled`. Calls that have already ended are not changed. Clones are the same handle.
/// Dropping a handle does not cancel.
///
/// ```
/// use drawbridge_fetch::{CancelHandle, RequestExt as _};
///
/// let cancel = CancelHandle::new();
/// let request = tonic::Request::new("hello").with_cancel(&cancel);
/// // In the handler of a "Cancel" button:
/// cancel.cancel();
/// assert!(cancel.is_cancelled());
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancelHandle(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    cancelled: bool,
    calls: Vec<WeakCancelToken>,
}

impl CancelHandle {
    /// Creates a handle.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels all calls with this handle. A call that starts with it later fails before its request is sent.
    pub fn cancel(&self) {
        let mut state = self.lock();
        state.cancelled = true;
        let calls = std::mem::take(&mut state.calls);
        drop(state);
        for call in calls.iter().filter_map(WeakCancelToken::upgrade) {
            call.cancel(CancelReason::Cancelled);
        }
    }

    /// Returns whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    /// Adds a call, which is cancelled now if the handle has been used.
    pub(crate) fn add(&self, call: &CancelToken) {
        let mut state = self.lock();
        if state.cancelled {
            drop(state);
            call.cancel(CancelReason::Cancelled);
            return;
        }
        // A handle may be used for any number of calls. Remove those that no longer exist.
        state.calls.retain(|call| call.upgrade().is_some());
        state.calls.push(call.downgrade());
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

    fn cancelled(call: &CancelToken) -> Poll<CancelReason> {
        call.poll_cancelled(&mut Context::from_waker(&noop_waker()))
    }

    #[test]
    fn a_handle_cancels_all_its_calls() {
        let (handle, one, other) = (CancelHandle::new(), CancelToken::default(), CancelToken::default());
        handle.add(&one);
        handle.clone().add(&other);
        assert!(!handle.is_cancelled());
        handle.cancel();
        assert!(handle.is_cancelled());
        assert_eq!(cancelled(&one), Poll::Ready(CancelReason::Cancelled));
        assert_eq!(cancelled(&other), Poll::Ready(CancelReason::Cancelled));
    }

    #[test]
    fn a_cancelled_handle_cancels_new_calls() {
        let (handle, call) = (CancelHandle::new(), CancelToken::default());
        handle.cancel();
        handle.add(&call);
        assert_eq!(cancelled(&call), Poll::Ready(CancelReason::Cancelled));
    }

    #[test]
    fn calls_that_no_longer_exist_are_removed() {
        let handle = CancelHandle::new();
        for _ in 0..100 {
            handle.add(&CancelToken::default());
        }
        assert_eq!(handle.lock().calls.len(), 1);
    }
}
