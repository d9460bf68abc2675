//! Where the calls of a list are kept.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use slab::Slab;
use tokio::runtime;

pub(super) use super::deadline_queue::Added;
use super::deadline_queue::DeadlineQueues;
use super::history::History;
use super::observers::Observers;
use super::permits::{self, Permits};

/// The open calls of a list, those that ended last, and what applies to all of them. It is generic, since a call knows
/// its list: nothing here depends on what a call is. Threads have a list each, and
/// [`Shards`](super::shards::Shards) are all of them.
#[derive(Debug)]
pub(super) struct CallList<C> {
    open: Mutex<OpenCalls<C>>,
    history: Mutex<History<C>>,
    /// How many watchers want every end in the history, that of plain calls too.
    watchers: AtomicUsize,
    permits: Arc<Permits>,
    request_idle_timeout: Mutex<Option<Duration>>,
    /// Whether a task watches the requests of the open calls.
    has_watch: AtomicBool,
    observers: Arc<Observers<C>>,
}

#[derive(Debug)]
struct OpenCalls<C> {
    /// Each under a key, which the call knows.
    calls: Slab<C>,
    deadlines: DeadlineQueues,
    /// How many more calls may open before permits have to be fetched.
    stock: usize,
    /// Whether no more calls are admitted.
    closed: bool,
}

/// Why a call is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    /// The list was closed.
    Closed,
    /// There is no permit in stock.
    NoPermit,
}

impl<C: Clone> CallList<C> {
    pub(super) fn new(permits: Arc<Permits>) -> Self {
        Self {
            open: Mutex::new(OpenCalls {
                calls: Slab::new(),
                deadlines: DeadlineQueues::default(),
                stock: 0,
                closed: false,
            }),
            history: Mutex::default(),
            watchers: AtomicUsize::new(0),
            permits,
            request_idle_timeout: Mutex::default(),
            has_watch: AtomicBool::new(false),
            observers: Arc::default(),
        }
    }

    /// Creates an empty list with the permits, watchers and observers of this one.
    pub(super) fn sibling(&self) -> Self {
        let mut sibling = Self::new(Arc::clone(&self.permits));
        sibling.watchers = AtomicUsize::new(self.watchers.load(Ordering::Relaxed));
        sibling.set_request_idle_timeout(self.request_idle_timeout());
        sibling.observers = Arc::new(self.observers.copy());
        sibling
    }

    /// Returns what observes the calls of this list. A call keeps it beyond the life of the list.
    pub(super) fn observers(&self) -> &Arc<Observers<C>> {
        &self.observers
    }

    /// Adds permits to the stock.
    pub(super) fn add_stock(&self, count: usize) {
        self.open_calls().stock += count;
    }

    /// Removes all permits that are in stock, and returns how many.
    pub(super) fn take_stock(&self) -> usize {
        std::mem::take(&mut self.open_calls().stock)
    }

    /// Returns how many calls are open.
    pub(super) fn open(&self) -> usize {
        self.open_calls().calls.len()
    }

    /// Returns the calls that are open.
    pub(super) fn open_list(&self) -> Vec<C> {
        self.open_calls().calls.iter().map(|(_, call)| call.clone()).collect()
    }

    /// Returns whether the list admits no more calls.
    #[cfg(feature = "serve")]
    pub(super) fn is_closed(&self) -> bool {
        self.open_calls().closed
    }

    /// Admits no more calls, and returns those that are open.
    pub(super) fn close(&self) -> Vec<C> {
        let mut open = self.open_calls();
        open.closed = true;
        open.calls.iter().map(|(_, call)| call.clone()).collect()
    }

    /// Adds a call, with its deadline on the runtime that it runs on. Calls `with_key` with the call's key before another thread can see the
    /// call. Returns what the caller has to do to enforce the deadline.
    pub(super) fn add(
        &self,
        call: &C,
        deadline: Option<(runtime::Id, Instant)>,
        with_key: impl FnOnce(&C, usize),
    ) -> Result<Added, Rejected> {
        let mut open = self.open_calls();
        if open.closed {
            return Err(Rejected::Closed);
        }
        if open.stock == 0 {
            return Err(Rejected::NoPermit);
        }
        open.stock -= 1;
        let entry = open.calls.vacant_entry();
        let key = entry.key();
        with_key(call, key);
        entry.insert(call.clone());
        Ok(deadline.map_or(Added::Queued, |(runtime, at)| open.deadlines.add(runtime, at, key)))
    }

    /// Removes a call that has ended, and returns it, to be dropped where no lock is held.
    pub(super) fn remove(&self, key: usize, deadline: Option<(runtime::Id, Instant)>) -> Option<C> {
        let mut open = self.open_calls();
        if let Some((runtime, at)) = deadline {
            open.deadlines.remove(runtime, at, key);
        }
        let removed = open.calls.try_remove(key);
        open.stock += usize::from(removed.is_some());
        if open.stock > 2 * permits::BATCH {
            open.stock -= permits::BATCH;
            drop(open);
            self.permits.give_back(permits::BATCH);
        }
        removed
    }

    /// Sets how long a request may be silent.
    pub(super) fn set_request_idle_timeout(&self, timeout: Option<Duration>) {
        *self.request_idle_timeout.lock().unwrap_or_else(PoisonError::into_inner) = timeout;
    }

    /// Returns how long a request may be silent.
    pub(super) fn request_idle_timeout(&self) -> Option<Duration> {
        *self.request_idle_timeout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether a task watches the requests of the open calls.
    pub(super) fn has_watch(&self) -> bool {
        self.has_watch.load(Ordering::Relaxed)
    }

    /// Returns whether the caller has to start the watch.
    pub(super) fn begin_watch(&self) -> bool {
        !self.has_watch.swap(true, Ordering::Relaxed)
    }

    /// Records that the watch has stopped.
    pub(super) fn end_watch(&self) {
        self.has_watch.store(false, Ordering::Relaxed);
    }

    /// Returns the open calls that match, or `None` if no call is open: the watch has ended then. A call that opens afterwards
    /// sees that, since it takes the lock too.
    pub(super) fn watched(&self, is_wanted: impl Fn(&C) -> bool) -> Option<Vec<C>> {
        let open = self.open_calls();
        if open.calls.is_empty() {
            self.end_watch();
            return None;
        }
        Some(open.calls.iter().map(|(_, call)| call).filter(|call| is_wanted(call)).cloned().collect())
    }

    /// Returns the earliest deadline of a runtime.
    pub(super) fn next_deadline(&self, runtime: runtime::Id) -> Option<Instant> {
        self.open_calls().deadlines.next(runtime)
    }

    /// Returns the calls of a runtime whose deadlines have passed. Each is returned once.
    pub(super) fn take_due(&self, runtime: runtime::Id, now: Instant) -> Vec<C> {
        let mut open = self.open_calls();
        let due = open.deadlines.take_due(runtime, now);
        due.into_iter().filter_map(|key| open.calls.get(key).cloned()).collect()
    }

    /// Forgets the deadlines of a runtime that is gone.
    pub(super) fn abandon_deadlines(&self, runtime: runtime::Id) {
        self.open_calls().deadlines.abandon(runtime);
    }

    /// Adds a call that has ended to the history, and returns the one that it pushes out.
    pub(super) fn remember(&self, call: C, is_plain: bool) -> Option<C> {
        self.history().add(call, is_plain)
    }

    /// Reads the history.
    pub(super) fn with_history<R>(&self, read: impl FnOnce(&History<C>) -> R) -> R {
        read(&self.history())
    }

    /// Sets how many lists share the limits of the history.
    pub(super) fn share_history(&self, lists: usize) {
        self.history().share(lists);
    }

    pub(super) fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }

    pub(super) fn add_watcher(&self) {
        self.watchers.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remove_watcher(&self) {
        self.watchers.fetch_sub(1, Ordering::Relaxed);
    }

    fn open_calls(&self) -> MutexGuard<'_, OpenCalls<C>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn history(&self) -> MutexGuard<'_, History<C>> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
