//! The calls that ended last.

use std::collections::VecDeque;

use drawbridge_core::EndReason;
use tonic::Code;

use super::context::CallContext;

/// How many calls are remembered, and how many plain ones besides. Those are many and much alike, and shall not make the
/// others be forgotten.
const MOST: usize = 1_000;
const MOST_PLAIN: usize = 100;

/// The calls that ended last, each with the number of its end. What is older is forgotten.
#[derive(Debug, Default)]
pub(super) struct History {
    telling: VecDeque<(u64, CallContext)>,
    plain: VecDeque<(u64, CallContext)>,
    /// How many calls have ended so far, forgotten ones included: the number of the last one's end.
    count: u64,
}

impl History {
    /// Adds a call, and returns one that is forgotten for it, to be dropped where no lock is held.
    pub(super) fn add(&mut self, call: CallContext) -> Option<CallContext> {
        let (ended, most) =
            if is_plain(&call) { (&mut self.plain, MOST_PLAIN) } else { (&mut self.telling, MOST) };
        let forgotten = if ended.len() < most { None } else { ended.pop_front() };
        self.count += 1;
        ended.push_back((self.count, call));
        forgotten.map(|(_, call)| call)
    }

    /// Returns the number of the last end.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the remembered calls that ended after the end of this number, the first of them first.
    pub(super) fn after(&self, number: u64) -> Vec<CallContext> {
        let mut ended: Vec<_> = Vec::new();
        for calls in [&self.telling, &self.plain] {
            ended.extend(calls.range(calls.partition_point(|(end, _)| *end <= number)..));
        }
        ended.sort_unstable_by_key(|(end, _)| *end);
        ended.into_iter().map(|(_, call)| call.clone()).collect()
    }

    /// Returns all remembered calls.
    pub(super) fn all(&self) -> impl Iterator<Item = &CallContext> {
        self.telling.iter().chain(&self.plain).map(|(_, call)| call)
    }
}

/// Tells whether there is little to say of a call: it went well, by itself, and nobody has put a label on it.
pub(super) fn is_plain(call: &CallContext) -> bool {
    matches!(call.end_reason(), Some(EndReason::Completed(Code::Ok)))
        && call.request_id().is_made()
        && call.parent().is_none()
        && call.works().count() == (0, 0)
}
