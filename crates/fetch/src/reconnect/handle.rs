//! The handle that ends a wait early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use futures_util::task::AtomicWaker;

/// Ends the wait of a [`Reconnecting`](crate::Reconnecting) stream, for example from a button "Connect now".
///
/// [`Reconnecting::handle`](crate::Reconnecting::handle) returns it. Clones are the same handle. Dropping it changes nothing.
#[derive(Clone, Debug, Default)]
pub struct ReconnectHandle(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    requested: AtomicBool,
    waker: AtomicWaker,
}

impl ReconnectHandle {
    /// Makes the next call now, also in a page that is offline or hidden. Does nothing while a call is open or is being made.
    pub fn reconnect_now(&self) {
        self.0.requested.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// Returns whether [`reconnect_now`](Self::reconnect_now) was called since this was last asked.
    pub(super) fn take(&self) -> bool {
        self.0.requested.swap(false, Ordering::Relaxed)
    }

    /// Sets the task that [`wake`](Self::wake) wakes.
    pub(super) fn register(&self, waker: &Waker) {
        self.0.waker.register(waker);
    }

    /// Wakes the task that waits.
    pub(super) fn wake(&self) {
        self.0.waker.wake();
    }
}
