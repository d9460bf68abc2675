//! The calls that ended last.

use std::collections::VecDeque;

use super::context::CallContext;

/// How many ended calls are remembered.
const MOST: usize = 1_000;

/// The calls that ended last, each under the number of its end. What is older is forgotten.
#[derive(Debug, Default)]
pub(super) struct History {
    ended: VecDeque<CallContext>,
    /// How many calls have ended so far, forgotten ones included: the number of the last one's end.
    count: u64,
}

impl History {
    /// Adds a call, and returns one that is forgotten for it, to be dropped where no lock is held.
    pub(super) fn add(&mut self, call: CallContext) -> Option<CallContext> {
        let forgotten = if self.ended.len() < MOST { None } else { self.ended.pop_front() };
        self.ended.push_back(call);
        self.count += 1;
        forgotten
    }

    /// Returns the number of the last end.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the remembered calls that ended after the end of this number, the first of them first.
    pub(super) fn after(&self, number: u64) -> impl Iterator<Item = &CallContext> {
        let new = usize::try_from(self.count - number.min(self.count)).unwrap_or(usize::MAX);
        self.ended.iter().skip(self.ended.len().saturating_sub(new))
    }

    /// Returns all remembered calls, the one that ended last first.
    pub(super) fn latest(&self) -> impl Iterator<Item = &CallContext> {
        self.ended.iter().rev()
    }
}
