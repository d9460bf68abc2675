//! A lookup that nobody waits for any more stops.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// The lookup that this thread is at, or was at last.
    static CURRENT: RefCell<Option<Stop>> = const { RefCell::new(None) };
}

/// The flag of one lookup: whether it shall stop. Its connection's handlers ask for it between steps, so that a stop
/// which comes before the statement starts is not lost, and one that comes after its end reaches no other.
/// `sqlite3_interrupt` would do both.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Runs a lookup on this thread.
    pub(super) fn during<R>(&self, lookup: impl FnOnce() -> R) -> R {
        CURRENT.set(Some(self.clone()));
        lookup()
    }
}

/// Asks the lookup to stop when it is dropped.
#[derive(Debug)]
pub(super) struct StopOnDrop(pub(super) Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Release);
    }
}

/// Tells whether the lookup that this thread is at shall stop.
pub(super) fn is_asked() -> bool {
    CURRENT.with_borrow(|current| current.as_ref().is_some_and(|Stop(flag)| flag.load(Ordering::Acquire)))
}
