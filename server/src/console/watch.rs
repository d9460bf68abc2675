//! What has changed since a watcher last read.
//!
//! Nothing is queued for a watcher: it asks the list of calls each time it is ready for more, and is told the difference
//! to what it knows. So a slow one costs as much as a fast one, and no call ever waits for either.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::time::Duration;

use drawbridge_proto::calls::WatchResponse;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::MissedTickBehavior;

use super::view::{Clock, is_settled};
use crate::call::{CallContext, CallId, Calls, IdHasher};

/// How often changes are told.
const EVERY: Duration = Duration::from_millis(100);

/// How many calls one response tells.
const MOST_CALLS: usize = 500;

/// How many ended calls a watcher keeps an eye on because something still runs for them.
const MOST_UNSETTLED: usize = 1_000;

/// What a watcher knows.
#[derive(Debug)]
struct Watcher {
    calls: Calls,
    clock: Clock,
    /// Each open call that it was told, with what changes of a call while it is open.
    open: HashMap<CallId, Mark, BuildHasherDefault<IdHasher>>,
    /// The calls that it was told have ended, and for which something still ran then.
    unsettled: Vec<CallContext>,
    /// The number of the last end that it was told. `None` before it was told anything.
    since: Option<u64>,
}

/// What of an open call changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    messages: u64,
    works: (usize, usize),
}

impl Mark {
    fn of(call: &CallContext) -> Self {
        Self { messages: call.messages(), works: call.works().count() }
    }
}

/// Returns the changes of `calls`, from what there is now on. It ends when it is dropped.
pub(super) fn watch(calls: Calls, clock: Clock) -> impl Stream<Item = WatchResponse> {
    let watcher = Watcher { calls, clock, open: HashMap::default(), unsettled: Vec::new(), since: None };
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let looks = stream::unfold((watcher, every), |(mut watcher, mut every)| async move {
        loop {
            every.tick().await;
            let responses = watcher.look();
            if !responses.is_empty() {
                return Some((stream::iter(responses), (watcher, every)));
            }
        }
    });
    looks.flatten()
}

impl Watcher {
    /// Returns what is new, and knows it from then on.
    fn look(&mut self) -> Vec<WatchResponse> {
        let mut changes = self.calls.changes(self.since.unwrap_or(0));
        let skipped = self.since.map_or(0, |_| changes.skipped);
        let reset = self.since.is_none() || skipped > 0;
        if reset {
            changes = self.calls.changes(0);
            self.open.clear();
            self.unsettled.clear();
        }
        self.since = Some(changes.upto);
        let mut told = Vec::new();
        for call in &changes.open {
            let mark = Mark::of(call);
            if self.open.insert(call.call_id(), mark) != Some(mark) {
                told.push(self.clock.view(call));
            }
        }
        let (settled, unsettled) = std::mem::take(&mut self.unsettled).into_iter().partition(is_settled);
        self.unsettled = unsettled;
        let settled: Vec<CallContext> = settled;
        told.extend(settled.iter().map(|call| self.clock.view(call)));
        for call in changes.ended {
            self.open.remove(&call.call_id());
            told.push(self.clock.view(&call));
            if !is_settled(&call) && self.unsettled.len() < MOST_UNSETTLED {
                self.unsettled.push(call);
            }
        }
        let open = u32::try_from(changes.open.len()).unwrap_or(u32::MAX);
        let mut told = told.into_iter().peekable();
        let mut responses = Vec::new();
        while told.peek().is_some() || (reset && responses.is_empty()) {
            let first = responses.is_empty();
            responses.push(WatchResponse {
                reset: reset && first,
                skipped: if first { skipped } else { 0 },
                calls: told.by_ref().take(MOST_CALLS).collect(),
                open,
            });
        }
        responses
    }
}
