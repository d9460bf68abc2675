//! The calls that are open.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use drawbridge_call::EndReason;
use tokio::sync::Notify;
use tonic::Status;

use super::context::CallContext;
use super::deadline;
use super::id::{CallId, IdHasher};

/// The calls that a bridge has open. Cloning it gives another handle to the same.
#[derive(Clone, Debug)]
pub struct Calls(Arc<Registry>);

#[derive(Debug)]
struct Registry {
    open: Mutex<Open>,
    /// Told when a deadline comes before the one that the keeper waits for.
    earlier: Notify,
    max: usize,
}

#[derive(Debug, Default)]
struct Open {
    calls: HashMap<CallId, CallContext, BuildHasherDefault<IdHasher>>,
    /// The deadlines of those that have one, the first one first.
    deadlines: BTreeSet<(Instant, CallId)>,
    /// The deadline that the keeper waits for, if there is a keeper: it ends when there is nothing to wait for.
    awaited: Option<Instant>,
    draining: bool,
}

impl Calls {
    /// Creates an empty list that takes at most `max` calls at a time.
    pub(crate) fn new(max: usize) -> Self {
        Self(Arc::new(Registry { open: Mutex::default(), earlier: Notify::new(), max }))
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
            open.calls.values().cloned().collect()
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
        let (call_id, deadline) = (call.call_id(), call.deadline());
        open.calls.insert(call_id, call);
        let Some(at) = deadline.map(|deadline| deadline.at()) else { return Ok(()) };
        open.deadlines.insert((at, call_id));
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

    pub(crate) fn remove(&self, call: &CallContext) {
        let mut open = self.lock();
        // Dropped behind the lock: it may be the last that knows of the call.
        let _removed = open.calls.remove(&call.call_id());
        if let Some(deadline) = call.deadline() {
            open.deadlines.remove(&(deadline.at(), call.call_id()));
        }
        drop(open);
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
        while let Some((_, call_id)) = open.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            open.deadlines.pop_first();
            due.extend(open.calls.get(&call_id).cloned());
        }
        due
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
