//! Interrupts a lookup when its call is dropped.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// The flag of the lookup that this thread runs, or ran last.
    static CURRENT: RefCell<Option<InterruptFlag>> = const { RefCell::new(None) };
}

/// The flag that interrupts one lookup. The handlers of its connection read it between the steps of a statement.
///
/// `sqlite3_interrupt` has no effect before a statement starts, and interrupts the next lookup if the statement has ended.
#[derive(Clone, Debug, Default)]
pub(super) struct InterruptFlag(Arc<AtomicBool>);

impl InterruptFlag {
    /// Runs a lookup on this thread, which the flag can interrupt.
    pub(super) fn run<R>(&self, lookup: impl FnOnce() -> R) -> R {
        CURRENT.set(Some(self.clone()));
        lookup()
    }

    /// Returns a guard that sets the flag when it is dropped.
    pub(super) fn set_on_drop(&self) -> SetOnDrop {
        SetOnDrop(self.clone())
    }
}

/// Sets the flag when it is dropped.
#[derive(Debug)]
pub(super) struct SetOnDrop(InterruptFlag);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Release);
    }
}

/// Returns whether the lookup of this thread is interrupted.
pub(super) fn is_interrupted() -> bool {
    CURRENT.with_borrow(|current| {
        current.as_ref().is_some_and(|InterruptFlag(flag)| flag.load(Ordering::Acquire))
    })
}
