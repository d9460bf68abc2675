//! The calls that are open, and those that ended last.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use drawbridge_call::EndReason;
use tokio::sync::Notify;
use tonic::Status;

use super::context::CallContext;
use super::deadline;
use super::history::History;
use super::id::{CallId, IdHasher};

/// The service that tells of calls. Its own calls are not remembered, or there would soon be no others.
const CONSOLE: &str = "/drawbridge.calls.v1.Calls/";

/// The calls that a bridge has open, and those that ended last: a thousand that did not go well, and a few hundred that
/// did. Cloning it gives another handle to the same.
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
    max: usize,
}

#[derive(Debug, Default)]
struct Open {
    calls: HashMap<CallId, CallContext, BuildHasherDefault<IdHasher>>,
    /// The deadlines of those that have one, the first one first.
    deadlines: BTreeSet<(Instant, CallId)>,
    /// The deadline that the keeper waits for, if there is a keeper: it ends when there is nothing to wait for.
    awaited: Option<Instant>,
    history: History,
    draining: bool,
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

    pub(super) fn downgrade(&self) -> WeakCalls {
        WeakCalls(Arc::downgrade(&self.0))
    }

    fn ended(&self, call: &CallContext) {
        let remembered = is_listed(call).then(|| call.clone());
        let mut open = self.lock();
        // Dropped behind the lock: either may be the last that knows of its call.
        let _removed = open.calls.remove(&call.call_id());
        if let Some(deadline) = call.deadline() {
            open.deadlines.remove(&(deadline.at(), call.call_id()));
        }
        let _forgotten = remembered.and_then(|call| open.history.add(call));
        drop(open);
    }

    /// Returns what is open, and what has ended since the end of this number. The first end has the number 1.
    pub(crate) fn changes(&self, since: u64) -> Changes {
        let open = self.lock();
        let upto = open.history.count();
        let ended = open.history.after(since);
        Changes {
            open: open.calls.values().filter(|call| is_listed(call)).cloned().collect(),
            skipped: upto - since - ended.len() as u64,
            ended,
            upto,
        }
    }

    /// Returns the call of this name, if it is open or ended not too long ago.
    pub(crate) fn find(&self, call_id: CallId) -> Option<CallContext> {
        let open = self.lock();
        let known = open.calls.get(&call_id).filter(|call| is_listed(call));
        known.or_else(|| open.history.all().find(|call| call.call_id() == call_id)).cloned()
    }

    /// Returns the calls with this label that are open or ended not too long ago, in the order in which they opened.
    pub(crate) fn of_request(&self, request_id: &str) -> Vec<CallContext> {
        let open = self.lock();
        let known = open.calls.values().filter(|call| is_listed(call)).chain(open.history.all());
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

fn is_listed(call: &CallContext) -> bool {
    !call.method().starts_with(CONSOLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::RequestId;
    use crate::call::context::{Facts, now};
    use crate::front::content_type::FrontProtocol;
    use tonic::Code;

    fn call(calls: &Calls, method: &str) -> CallContext {
        let facts = Facts {
            call_id: CallId::random(),
            request_id: RequestId::of(None),
            parent: None,
            method: method.into(),
            peer: None,
            protocol: FrontProtocol::Grpc,
            asked: None,
            deadline: None,
            previous_attempts: 0,
        };
        let call = CallContext::open(facts, now(), calls);
        calls.add(call.clone()).unwrap();
        call
    }

    #[test]
    fn of_a_hundred_thousand_calls_that_ended_the_last_are_remembered() {
        let calls = Calls::new(usize::MAX);
        let first = call(&calls, "/a.B/First");
        let open = call(&calls, "/a.B/Open");
        first.end(EndReason::ClientGone);
        for _ in 0..50_000 {
            call(&calls, "/a.B/C").end(EndReason::Completed(Code::NotFound));
            call(&calls, "/a.B/C").end(EndReason::Completed(Code::Ok));
        }
        let changes = calls.changes(1);
        assert_eq!((changes.open.len(), changes.ended.len()), (1, 1_250));
        assert_eq!((changes.skipped, changes.upto), (98_750, 100_001));
        assert!(calls.find(first.call_id()).is_none() && calls.find(open.call_id()).is_some());
        assert!(calls.changes(changes.upto).ended.is_empty());
    }

    #[test]
    fn the_consoles_own_calls_are_not_remembered() {
        let calls = Calls::new(usize::MAX);
        let console = call(&calls, "/drawbridge.calls.v1.Calls/Watch");
        assert_eq!((calls.open(), calls.changes(0).open.len()), (1, 0));
        assert!(calls.find(console.call_id()).is_none());
        console.end(EndReason::ClientGone);
        assert_eq!((calls.open(), calls.changes(0).upto), (0, 0));
    }

    #[test]
    fn a_list_that_nobody_has_any_more_is_gone_with_the_calls_that_it_remembers() {
        let calls = Calls::new(usize::MAX);
        call(&calls, "/a.B/C").end(EndReason::ClientGone);
        let weak = calls.downgrade();
        drop(calls);
        assert!(weak.0.upgrade().is_none());
    }
}
