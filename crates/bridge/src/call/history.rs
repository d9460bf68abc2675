//! The calls that ended last.

use std::collections::VecDeque;

/// How many calls are kept. Plain ones are many and alike, so they have a limit of their own, and push out no others.
const MAX_CALLS: usize = 1_000;
const MAX_PLAIN_CALLS: usize = 100;

/// The calls that ended last, each with the number of its end. Older ones are dropped.
#[derive(Debug)]
pub(super) struct History<C> {
    calls: VecDeque<(u64, C)>,
    plain: VecDeque<(u64, C)>,
    /// How many calls have ended so far, dropped ones included: the number of the last end.
    count: u64,
    /// How many histories share the limits.
    shared_by: usize,
}

impl<C> Default for History<C> {
    fn default() -> Self {
        Self { calls: VecDeque::new(), plain: VecDeque::new(), count: 0, shared_by: 1 }
    }
}

impl<C: Clone> History<C> {
    /// Adds a call, and returns the one that it pushes out, to be dropped where no lock is held.
    pub(super) fn add(&mut self, call: C, is_plain: bool) -> Option<C> {
        let (ended, max) =
            if is_plain { (&mut self.plain, MAX_PLAIN_CALLS) } else { (&mut self.calls, MAX_CALLS) };
        let dropped = if ended.len() < (max / self.shared_by).max(1) { None } else { ended.pop_front() };
        self.count += 1;
        ended.push_back((self.count, call));
        dropped.map(|(_, call)| call)
    }

    /// Sets how many histories share the limits.
    pub(super) fn share(&mut self, histories: usize) {
        self.shared_by = histories;
    }

    /// Returns the number of the last end.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the calls that ended after the end of this number, oldest first.
    pub(super) fn after(&self, number: u64) -> Vec<C> {
        let mut ended: Vec<_> = Vec::new();
        for calls in [&self.calls, &self.plain] {
            ended.extend(calls.range(calls.partition_point(|(end, _)| *end <= number)..));
        }
        ended.sort_unstable_by_key(|(end, _)| *end);
        ended.into_iter().map(|(_, call)| call.clone()).collect()
    }

    /// Returns all calls.
    pub(super) fn all(&self) -> impl Iterator<Item = &C> {
        self.calls.iter().chain(&self.plain).map(|(_, call)| call)
    }
}
