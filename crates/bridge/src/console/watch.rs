//! What has changed since a watcher last read.
//!
//! Nothing is queued for a watcher: it asks the list of calls each time it is ready for more, and is told the difference
//! to what it knows. So a slow one costs as much as a fast one, and no call ever waits for either.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::time::Duration;

use drawbridge_calls_proto::WatchResponse;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::MissedTickBehavior;

use super::view::{Clock, is_settled};
use crate::call::{CallContext, CallId, Calls, IdHasher, Watching};

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
    _watching: Watching,
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
    forwarded: (u64, u64),
}

impl Mark {
    fn of(call: &CallContext) -> Self {
        Self {
            messages: call.messages(),
            works: call.activities().count(),
            forwarded: call.forwarded_version(),
        }
    }
}

/// Returns the changes of `calls`, from what there is now on. It ends when it is dropped.
pub(super) fn watch(calls: Calls, clock: Clock) -> impl Stream<Item = WatchResponse> {
    let watcher = Watcher::new(calls, clock);
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

    /// Returns what is new, and knows it from then on.
    fn look(&mut self) -> Vec<WatchResponse> {
        let news = self.since.map(|since| self.calls.changes(since));
        let skipped = news.as_ref().map_or(0, |news| news.skipped);
        // Who knows nothing yet, or has missed something, is told everything.
        let news = news.filter(|_| skipped == 0);
        let reset = news.is_none();
        let changes = news.unwrap_or_else(|| {
            self.open.clear();
            self.unsettled.clear();
            self.calls.changes(0)
        });
        self.since = Some(changes.upto);
        let mut told = Vec::new();
        for call in &changes.open {
            let mark = Mark::of(call);
            if self.open.insert(call.call_id(), mark) != Some(mark) {
                told.push(self.clock.view(call));
            }
        }
        told.extend(
            self.unsettled.extract_if(.., |call| is_settled(call)).map(|call| self.clock.view(&call)),
        );
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

#[cfg(test)]
mod tests {
    use super::*;
    use drawbridge_core::EndReason;

    /// The ids of the calls that a look tells, each with whether all that ran for it has stopped.
    fn told(watcher: &mut Watcher) -> Vec<(String, bool)> {
        let calls = watcher.look().into_iter().flat_map(|response| response.calls);
        calls.map(|call| (call.call_id, call.works.iter().all(|work| work.stopped_ms.is_some()))).collect()
    }

    #[test]
    fn what_still_ran_at_the_end_is_told_once_more_when_it_has_stopped() {
        let calls = Calls::new(usize::MAX);
        let call = CallContext::of(&calls, "/a.B/C");
        let id = call.call_id().to_string();
        let mut watcher = Watcher::new(calls, Clock::new());
        assert_eq!(told(&mut watcher), [(id.clone(), false)]);
        let query = call.activity("query");
        assert_eq!(told(&mut watcher), [(id.clone(), false)]);
        assert_eq!(told(&mut watcher), []);
        call.end(EndReason::ClientGone);
        call.handler_stopped();
        assert_eq!(told(&mut watcher), [(id.clone(), false)]);
        assert_eq!(told(&mut watcher), []);
        drop(query);
        assert_eq!(told(&mut watcher), [(id, true)]);
        assert_eq!(told(&mut watcher), []);
    }

    #[test]
    fn who_has_missed_something_is_told_everything_afresh() {
        let calls = Calls::new(usize::MAX);
        let open = CallContext::of(&calls, "/a.B/Open").call_id().to_string();
        let mut watcher = Watcher::new(calls.clone(), Clock::new());
        assert_eq!(told(&mut watcher), [(open.clone(), false)]);
        for _ in 0..2_000 {
            CallContext::of(&calls, "/a.B/C").end(EndReason::ClientGone);
        }
        let responses = watcher.look();
        assert_eq!(responses.iter().map(|response| response.calls.len()).collect::<Vec<_>>(), [500, 500, 1]);
        assert_eq!((responses[0].reset, responses[0].skipped, responses[0].open), (true, 1_000, 1));
        assert!(responses[0].calls.iter().any(|call| call.call_id == open));
        assert!(responses[1..].iter().all(|response| !response.reset && response.skipped == 0));
    }
}
