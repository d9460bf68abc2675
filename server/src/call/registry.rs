//! The calls that are open, and those that ended last.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use drawbridge_core::EndReason;
use slab::Slab;
use tokio::sync::Notify;
use tonic::Status;

use super::context::CallContext;
use super::deadline;
use super::history::{History, is_plain};
use super::id::CallId;

/// The service that tells of calls. Its own calls are not remembered, or there would soon be no others.
const CONSOLE: &str = "/drawbridge.calls.v1.Calls/";

/// The calls that a bridge has open, and the last thousand that ended. Of those that went well, by themselves and without a
/// label, a hundred more are remembered, and only while somebody watches. Cloning it gives another handle to the same.
#[derive(Clone, Debug)]
pub struct Calls(Arc<Registry>);

/// A list of calls, as its calls know it.
#[derive(Debug)]
pub(super) struct WeakCalls(Weak<Registry>);

impl WeakCalls {
    /// Takes a call that has ended from the open ones to those that ended last.
    pub(super) fn ended(&self, call: &CallContext) {
        if let Some(registry) = self.0.upgrade() {
            Calls(registry).ended(call);
        }
    }
}

#[derive(Debug)]
struct Registry {
    open: Mutex<Open>,
    /// Told when a deadline comes before the one that the keeper waits for.
    earlier: Notify,
    /// How many there are who want to be told of every end.
    watchers: AtomicUsize,
    max: usize,
}

#[derive(Debug, Default)]
struct Open {
    /// Each in a place of its own, which it knows.
    calls: Slab<CallContext>,
    /// The deadlines of those that have one, the first one first, with their places.
    deadlines: BTreeSet<(Instant, usize)>,
    /// The deadline that the keeper waits for, if there is a keeper: it ends when there is nothing to wait for.
    awaited: Option<Instant>,
    history: History,
    draining: bool,
}

impl Open {
    /// Returns the calls that are shown.
    fn listed(&self) -> impl Iterator<Item = &CallContext> {
        self.calls.iter().map(|(_, call)| call).filter(|call| is_listed(call))
    }
}

/// What became of the calls of a list since somebody looked.
#[derive(Debug)]
pub(crate) struct Changes {
    /// All calls that are open.
    pub(crate) open: Vec<CallContext>,
    /// The calls that have ended since, as far as they are remembered, the first of them first.
    pub(crate) ended: Vec<CallContext>,
    /// How many have ended since, and are forgotten.
    pub(crate) skipped: u64,
    /// The number of the last end, to ask from the next time.
    pub(crate) upto: u64,
}

/// Somebody watches a list of calls, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watching(Calls);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.0.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Calls {
    /// Creates an empty list that takes at most `max` calls at a time.
    pub(crate) fn new(max: usize) -> Self {
        Self(Arc::new(Registry {
            open: Mutex::default(),
            earlier: Notify::new(),
            watchers: AtomicUsize::new(0),
            max,
        }))
    }

    /// Returns how many calls are open.
    pub fn open(&self) -> usize {
        self.lock().calls.len()
    }

    /// Ends every open call as [`EndReason::Draining`], and from now on each new one: their callers get UNAVAILABLE.
    pub fn drain(&self) {
        let open: Vec<CallContext> = {
            let mut open = self.lock();
            open.draining = true;
            open.calls.iter().map(|(_, call)| call.clone()).collect()
        };
        // Ended without the lock, which each end takes for itself.
        for call in open {
            call.end(EndReason::Draining);
        }
    }

    /// Adds a call, and from then on ends it at its deadline.
    ///
    /// # Errors
    ///
    /// Returns the status that the call ends with, where it cannot be taken on.
    pub(crate) fn add(&self, call: CallContext) -> Result<(), Status> {
        let max = self.0.max;
        let mut open = self.lock();
        if open.draining {
            return Err(Status::unavailable("the server is shutting down"));
        }
        if open.calls.len() >= max {
            return Err(Status::resource_exhausted(format!(
                "{max} calls are open, which is the most; try again later"
            )));
        }
        let deadline = call.deadline();
        let place = open.calls.vacant_entry();
        let key = place.key();
        call.put_at(key);
        place.insert(call);
        let Some(at) = deadline.map(|deadline| deadline.at()) else { return Ok(()) };
        open.deadlines.insert((at, key));
        let awaited = open.awaited;
        if awaited.is_none_or(|awaited| at < awaited) {
            open.awaited = Some(at);
            drop(open);
            match awaited {
                None => drop(tokio::spawn(deadline::keep(self.clone()))),
                Some(_) => self.0.earlier.notify_one(),
            }
        }
        Ok(())
    }

    pub(super) fn downgrade(&self) -> WeakCalls {
        WeakCalls(Arc::downgrade(&self.0))
    }

    fn ended(&self, call: &CallContext) {
        let watched = self.0.watchers.load(Ordering::Relaxed) > 0;
        let remembered = (is_listed(call) && (watched || !is_plain(call))).then(|| {
            call.note_end();
            call.clone()
        });
        let mut open = self.lock();
        // Dropped behind the lock: either may be the last that knows of its call.
        let _removed = call.place().and_then(|place| {
            if let Some(deadline) = call.deadline() {
                open.deadlines.remove(&(deadline.at(), place));
            }
            open.calls.try_remove(place)
        });
        let _forgotten = remembered.and_then(|call| open.history.add(call));
        drop(open);
    }

    /// Has every end remembered, that of plain calls too, until what this returns is dropped.
    pub(crate) fn watch(&self) -> Watching {
        self.0.watchers.fetch_add(1, Ordering::Relaxed);
        Watching(self.clone())
    }

    /// Returns what is open, and what has ended since the end of this number. The first end has the number 1.
    pub(crate) fn changes(&self, since: u64) -> Changes {
        let open = self.lock();
        let upto = open.history.count();
        let ended = open.history.after(since);
        Changes {
            open: open.listed().cloned().collect(),
            skipped: upto - since - ended.len() as u64,
            ended,
            upto,
        }
    }

    /// Returns the call of this name, if it is open or ended not too long ago.
    pub(crate) fn find(&self, call_id: CallId) -> Option<CallContext> {
        let open = self.lock();
        let mut known = open.listed().chain(open.history.all());
        known.find(|call| call.call_id() == call_id).cloned()
    }

    /// Returns the calls with this label that are open or ended not too long ago, in the order in which they opened.
    pub(crate) fn of_request(&self, request_id: &str) -> Vec<CallContext> {
        let open = self.lock();
        let known = open.listed().chain(open.history.all());
        let mut calls: Vec<_> =
            known.filter(|call| call.request_id().as_str() == request_id).cloned().collect();
        drop(open);
        calls.sort_by_key(CallContext::opened);
        calls
    }

    /// Returns the first deadline, for the keeper to wait for. Without one the keeper has to end.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let mut open = self.lock();
        open.awaited = open.deadlines.first().map(|(at, _)| *at);
        open.awaited
    }

    /// Waits until a deadline comes before the one that is awaited.
    pub(crate) async fn earlier_deadline(&self) {
        self.0.earlier.notified().await;
    }

    /// Takes out the deadlines that have passed, and returns their calls.
    pub(crate) fn take_due(&self, now: Instant) -> Vec<CallContext> {
        let mut open = self.lock();
        let mut due = Vec::new();
        while let Some((_, place)) = open.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            open.deadlines.pop_first();
            due.extend(open.calls.get(place).cloned());
        }
        due
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_listed(call: &CallContext) -> bool {
    !call.method().starts_with(CONSOLE)
}

#[cfg(test)]
mod tests;
