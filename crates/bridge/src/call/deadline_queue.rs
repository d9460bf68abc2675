//! The deadlines of open calls, by the runtime that each call runs on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use hashbrown::HashMap;
use tokio::runtime;
use tokio::sync::Notify;

/// The deadlines of open calls, earliest first, each with the key of its call.
///
/// Each runtime has a queue of its own and a task that waits for it (`keeper`): a task stops when its runtime is dropped,
/// and waits while its runtime is not driven, and must not take the deadlines of others along.
#[derive(Debug, Default)]
pub(super) struct DeadlineQueues(HashMap<runtime::Id, Queue>);

#[derive(Debug, Default)]
struct Queue {
    deadlines: BTreeSet<(Instant, usize)>,
    /// The deadline that the keeper waits for.
    awaited: Option<Instant>,
    /// Notified when a deadline comes before the awaited one.
    earlier: Arc<Notify>,
}

/// What has to be done after a deadline was added.
#[derive(Debug)]
pub(super) enum Added {
    /// The runtime's keeper will come to it.
    Queued,
    /// It is the runtime's earliest: its keeper has to be notified.
    Earliest(Arc<Notify>),
    /// The runtime has no keeper: one has to be started, and woken by this.
    NoKeeper(Arc<Notify>),
}

impl DeadlineQueues {
    /// Adds a deadline of a call that runs on this runtime.
    pub(super) fn add(&mut self, runtime: runtime::Id, at: Instant, key: usize) -> Added {
        let queue = self.0.entry(runtime).or_default();
        queue.deadlines.insert((at, key));
        match queue.awaited.replace(queue.awaited.map_or(at, |awaited| awaited.min(at))) {
            None => Added::NoKeeper(Arc::clone(&queue.earlier)),
            Some(awaited) if at < awaited => Added::Earliest(Arc::clone(&queue.earlier)),
            Some(_) => Added::Queued,
        }
    }

    /// Removes the deadline of a call that has ended.
    pub(super) fn remove(&mut self, runtime: runtime::Id, at: Instant, key: usize) {
        if let Some(queue) = self.0.get_mut(&runtime) {
            queue.deadlines.remove(&(at, key));
        }
    }

    /// Returns the earliest deadline of a runtime, for its keeper to wait for. Without one the keeper has to end, and the
    /// queue is gone.
    pub(super) fn next(&mut self, runtime: runtime::Id) -> Option<Instant> {
        let queue = self.0.get_mut(&runtime)?;
        queue.awaited = queue.deadlines.first().map(|(at, _)| *at);
        if queue.awaited.is_none() {
            self.0.remove(&runtime);
            return None;
        }
        queue.awaited
    }

    /// Takes out the deadlines of a runtime that have passed, and returns the keys of their calls.
    pub(super) fn take_due(&mut self, runtime: runtime::Id, now: Instant) -> Vec<usize> {
        let mut due = Vec::new();
        let Some(queue) = self.0.get_mut(&runtime) else { return due };
        while let Some((_, key)) = queue.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            queue.deadlines.pop_first();
            due.push(key);
        }
        due
    }

    /// Drops the queue of a runtime whose keeper was dropped with it.
    pub(super) fn abandon(&mut self, runtime: runtime::Id) {
        self.0.remove(&runtime);
    }
}
