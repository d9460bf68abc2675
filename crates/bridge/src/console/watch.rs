//! The changes of a list of calls since a watcher last read.
//!
//! Nothing is queued for a watcher: it compares the list with what it has sent each time it is ready for more. A slow watcher
//! costs as much as a fast one, and no call waits for either.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::time::Duration;

use drawbridge_calls_proto::WatchResponse;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::MissedTickBehavior;

use super::view::{Clock, is_settled};
use crate::call::{CallContext, CallId, Calls, IdHasher, LastEnds, Watching};

/// How often changes are sent.
const INTERVAL: Duration = Duration::from_millis(100);

/// How many calls one response has.
const MAX_CALLS_PER_RESPONSE: usize = 500;

/// How many ended calls a watcher follows because something still runs for them.
const MAX_UNSETTLED: usize = 1_000;

/// What a watcher has sent so far.
#[derive(Debug)]
struct Watcher {
    calls: Calls,
    _watching: Watching,
    clock: Clock,
    /// The open calls, each with its version.
    open: HashMap<CallId, Version, BuildHasherDefault<IdHasher>>,
    /// The calls that had ended when they were sent, and for which something still ran.
    unsettled: Vec<CallContext>,
    /// The last ends. `None` before anything was sent.
    since: Option<LastEnds>,
}

/// What changes of an open call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    messages: u64,
    activities: (usize, usize),
    forwarded: (u64, u64),
}

impl Version {
    fn of(call: &CallContext) -> Self {
        Self {
            messages: call.messages(),
            activities: call.activities().count(),
            forwarded: call.forwarded_version(),
        }
    }
}

/// Returns all calls of the list, and from then on its changes. The stream ends when it is dropped.
pub(super) fn watch(calls: Calls, clock: Clock) -> impl Stream<Item = WatchResponse> {
    let watcher = Watcher::new(calls, clock);
    let mut every = tokio::time::interval(INTERVAL);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let batches = stream::unfold((watcher, every), |(mut watcher, mut every)| async move {
        loop {
            every.tick().await;
            let responses = watcher.next_responses();
            if !responses.is_empty() {
                return Some((stream::iter(responses), (watcher, every)));
            }
        }
    });
    batches.flatten()
}

impl Watcher {
    fn new(calls: Calls, clock: Clock) -> Self {
        Self {
            _watching: calls.watch(),
            calls,
            clock,
            open: HashMap::default(),
            unsettled: Vec::new(),
            since: None,
        }
    }

    /// Returns what has changed since the last time.
    fn next_responses(&mut self) -> Vec<WatchResponse> {
        let changes = self.since.as_ref().map(|since| self.calls.changes(since));
        let skipped = changes.as_ref().map_or(0, |changes| changes.skipped);
        // A new watcher, and one that has missed something, gets everything.
        let changes = changes.filter(|_| skipped == 0);
        let reset = changes.is_none();
        let changes = changes.unwrap_or_else(|| {
            self.open.clear();
            self.unsettled.clear();
            self.calls.changes(&LastEnds::default())
        });
        self.since = Some(changes.upto);
        let mut messages = Vec::new();
        for call in &changes.open {
            let version = Version::of(call);
            if self.open.insert(call.call_id(), version) != Some(version) {
                messages.push(self.clock.view(call));
            }
        }
        messages.extend(
            self.unsettled.extract_if(.., |call| is_settled(call)).map(|call| self.clock.view(&call)),
        );
        for call in changes.ended {
            self.open.remove(&call.call_id());
            messages.push(self.clock.view(&call));
            if !is_settled(&call) && self.unsettled.len() < MAX_UNSETTLED {
                self.unsettled.push(call);
            }
        }
        let open = u32::try_from(changes.open.len()).unwrap_or(u32::MAX);
        let mut messages = messages.into_iter().peekable();
        let mut responses = Vec::new();
        while messages.peek().is_some() || (reset && responses.is_empty()) {
            let first = responses.is_empty();
            responses.push(WatchResponse {
                reset: reset && first,
                skipped: if first { skipped } else { 0 },
                calls: messages.by_ref().take(MAX_CALLS_PER_RESPONSE).collect(),
                open,
            });
        }
        responses
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drawbridge_core::EndReason;

    /// The ids of the calls in the next responses, each with whether everything that ran for it has stopped.
    fn sent(watcher: &mut Watcher) -> Vec<(String, bool)> {
        let calls = watcher.next_responses().into_iter().flat_map(|response| response.calls);
        calls
            .map(|call| (call.call_id, call.activities.iter().all(|activity| activity.stopped_ms.is_some())))
            .collect()
    }

    #[test]
    fn a_call_is_sent_again_when_what_still_ran_at_its_end_has_stopped() {
        let calls = Calls::new(usize::MAX);
        let call = CallContext::of(&calls, "/a.B/C");
        let id = call.call_id().to_string();
        let mut watcher = Watcher::new(calls, Clock::new());
        assert_eq!(sent(&mut watcher), [(id.clone(), false)]);
        let query = call.activity("query");
        assert_eq!(sent(&mut watcher), [(id.clone(), false)]);
        assert_eq!(sent(&mut watcher), []);
        call.end(EndReason::ClientGone);
        call.handler_stopped();
        assert_eq!(sent(&mut watcher), [(id.clone(), false)]);
        assert_eq!(sent(&mut watcher), []);
        drop(query);
        assert_eq!(sent(&mut watcher), [(id, true)]);
        assert_eq!(sent(&mut watcher), []);
    }

    #[test]
    fn a_watcher_that_missed_something_gets_everything_again() {
        let calls = Calls::new(usize::MAX);
        let open = CallContext::of(&calls, "/a.B/Open").call_id().to_string();
        let mut watcher = Watcher::new(calls.clone(), Clock::new());
        assert_eq!(sent(&mut watcher), [(open.clone(), false)]);
        for _ in 0..2_000 {
            CallContext::of(&calls, "/a.B/C").end(EndReason::ClientGone);
        }
        let responses = watcher.next_responses();
        assert_eq!(responses.iter().map(|response| response.calls.len()).collect::<Vec<_>>(), [500, 500, 1]);
        assert_eq!((responses[0].reset, responses[0].skipped, responses[0].open), (true, 1_000, 1));
        assert!(responses[0].calls.iter().any(|call| call.call_id == open));
        assert!(responses[1..].iter().all(|response| !response.reset && response.skipped == 0));
    }
}
