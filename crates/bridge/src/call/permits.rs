//! How many calls may be open, over all shards of a list.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many permits a shard takes at a time. It gives as many back when it has more than twice of them in stock.
pub(super) const BATCH: usize = 64;

/// The permits to open calls. Each shard keeps a stock of them, so that opening a call writes nothing that shards share.
#[derive(Debug)]
pub(super) struct Permits(Mutex<State>);

#[derive(Debug)]
pub(super) struct State {
    max: usize,
    /// How many permits the shards have: of open calls, and in stock.
    granted: usize,
}

impl Permits {
    pub(super) fn new(max: usize) -> Self {
        Self(Mutex::new(State { max, granted: 0 }))
    }

    /// Takes back permits of a shard.
    pub(super) fn give_back(&self, count: usize) {
        self.lock().give_back(count);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn set_max(&mut self, max: usize) {
        self.max = max;
    }

    /// Returns whether no permit is left.
    pub(super) fn is_empty(&self) -> bool {
        self.granted >= self.max
    }

    /// Grants up to a batch of permits, and returns how many.
    pub(super) fn take_batch(&mut self) -> usize {
        let count = self.max.saturating_sub(self.granted).min(BATCH);
        self.granted += count;
        count
    }

    pub(super) fn give_back(&mut self, count: usize) {
        self.granted -= count;
    }
}
