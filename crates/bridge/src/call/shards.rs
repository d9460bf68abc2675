//! The shards of a list of calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::list::CallList;
use super::observers::Hook;
use super::permits::Permits;

/// The lists that together are one list of calls. Each thread adds its calls to a list of its own.
#[derive(Debug)]
pub(super) struct Shards<C> {
    lists: Mutex<Vec<Arc<CallList<C>>>>,
    permits: Arc<Permits>,
}

/// All permits are in use: this many calls are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full(pub(super) usize);

impl<C: Clone> Shards<C> {
    /// Creates the first shard. At most `max_open` calls may be open in all shards together.
    pub(super) fn new(max_open: usize) -> (Self, Arc<CallList<C>>) {
        let permits = Arc::new(Permits::new(max_open));
        let first = Arc::new(CallList::new(Arc::clone(&permits)));
        (Self { lists: Mutex::new(vec![Arc::clone(&first)]), permits }, first)
    }

    /// Adds a shard, with what was set for the others.
    pub(super) fn add(&self) -> Arc<CallList<C>> {
        let mut lists = self.lock();
        let shard = Arc::new(lists[0].sibling());
        lists.push(Arc::clone(&shard));
        for list in lists.iter() {
            list.share_history(lists.len());
        }
        shard
    }

    /// Returns all shards, in the order in which they were added.
    pub(super) fn all(&self) -> Vec<Arc<CallList<C>>> {
        self.lock().clone()
    }

    /// Sets how many calls may be open.
    pub(super) fn set_max_open(&self, max: usize) {
        let lists = self.lock();
        let mut permits = self.permits.lock();
        for list in lists.iter() {
            permits.give_back(list.take_stock());
        }
        permits.set_max(max);
    }

    /// Gives permits to a shard that has none in stock.
    ///
    /// # Errors
    ///
    /// Returns an error if no shard has a permit in stock, and as many calls are open as may be.
    pub(super) fn stock(&self, shard: &CallList<C>) -> Result<(), Full> {
        let lists = self.lock();
        let mut permits = self.permits.lock();
        if permits.is_empty() {
            for list in lists.iter() {
                permits.give_back(list.take_stock());
            }
        }
        match permits.take_batch() {
            0 => Err(Full(permits.max())),
            count => {
                shard.add_stock(count);
                Ok(())
            }
        }
    }

    /// Sets how long a request may be silent.
    pub(super) fn set_request_idle_timeout(&self, timeout: Option<Duration>) {
        for list in self.lock().iter() {
            list.set_request_idle_timeout(timeout);
        }
    }

    pub(super) fn set_logging(&self, on: bool) {
        for list in self.lock().iter() {
            list.observers().set_logging(on);
        }
    }

    pub(super) fn add_hook(&self, hook: &Hook<C>) {
        for list in self.lock().iter() {
            list.observers().add_hook(Arc::clone(hook));
        }
    }

    pub(super) fn add_watcher(&self) {
        for list in self.lock().iter() {
            list.add_watcher();
        }
    }

    pub(super) fn remove_watcher(&self) {
        for list in self.lock().iter() {
            list.remove_watcher();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<CallList<C>>>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
