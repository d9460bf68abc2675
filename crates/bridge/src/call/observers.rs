//! What observes the calls of a list: the log, and the hooks of its users.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A function that is called at the end of each call.
pub(super) type Hook<C> = Arc<dyn Fn(&C) + Send + Sync>;

/// What observes the calls of a list.
pub(super) struct Observers<C> {
    /// Whether calls are not logged.
    silent: AtomicBool,
    hooks: OnceLock<Mutex<Vec<Hook<C>>>>,
}

impl<C> Default for Observers<C> {
    fn default() -> Self {
        Self { silent: AtomicBool::new(false), hooks: OnceLock::new() }
    }
}

impl<C> fmt::Debug for Observers<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observers").field("silent", &self.silent).finish_non_exhaustive()
    }
}

impl<C> Observers<C> {
    /// Returns observers of another list that do the same.
    pub(super) fn copy(&self) -> Self {
        let copy = Self { silent: AtomicBool::new(!self.logs_calls()), hooks: OnceLock::new() };
        for hook in self.hooks() {
            copy.add_hook(hook);
        }
        copy
    }

    pub(super) fn set_logging(&self, on: bool) {
        self.silent.store(!on, Ordering::Relaxed);
    }

    pub(super) fn logs_calls(&self) -> bool {
        !self.silent.load(Ordering::Relaxed)
    }

    pub(super) fn add_hook(&self, hook: Hook<C>) {
        let hooks = self.hooks.get_or_init(Mutex::default);
        hooks.lock().unwrap_or_else(PoisonError::into_inner).push(hook);
    }

    /// Runs the hooks for a call that has ended, without a lock.
    pub(super) fn call_ended(&self, call: &C) {
        for hook in self.hooks() {
            hook(call);
        }
    }

    fn hooks(&self) -> Vec<Hook<C>> {
        let Some(hooks) = self.hooks.get() else { return Vec::new() };
        hooks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
