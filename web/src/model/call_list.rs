//! The server's calls as they change: those that are open, and those that ended last.

use std::time::Duration;

use drawbridge_calls_proto::{Call, WatchResponse};

use super::call_format::ms;

/// How many ended calls are kept, in addition to those below an open call.
pub(crate) const MAX_ENDED: usize = 100;

/// The server's calls. Each call has a number of its own, so that a view can keep its row.
///
/// Sorted vectors take the place of maps and sorting, whose code is large.
#[derive(Debug, Default)]
pub(crate) struct CallList {
    /// The calls by number. Numbers count the calls as they become known, which is not the order in which they opened.
    entries: Vec<Entry>,
    /// The numbers of the same calls by call id.
    ids: Vec<(String, usize)>,
    next: usize,
    skipped: u64,
    open: u32,
}

#[derive(Debug)]
struct Entry {
    number: usize,
    call: Call,
    /// When the server reported the call, by the page's clock.
    reported: Duration,
}

impl Entry {
    fn is_open(&self) -> bool {
        self.call.end.is_none()
    }

    /// Returns whether this call opened before another one. Of two that opened at once, the one that became known first is
    /// the older.
    fn is_older(&self, other: &Self) -> bool {
        let opened = self.call.opened_unix_ms.total_cmp(&other.call.opened_unix_ms);
        opened.then(self.number.cmp(&other.number)).is_lt()
    }
}

impl CallList {
    /// Applies a response that arrived `now`.
    pub(crate) fn apply(&mut self, response: WatchResponse, now: Duration) {
        if response.reset {
            self.entries.clear();
            self.ids.clear();
        }
        self.skipped += response.skipped;
        self.open = response.open;
        for call in response.calls {
            match self.find_id(&call.call_id) {
                Ok(place) => {
                    let known = self.index(self.ids[place].1).and_then(|index| self.entries.get_mut(index));
                    if let Some(known) = known {
                        (known.call, known.reported) = (call, now);
                    }
                }
                Err(place) => {
                    let number = self.next;
                    self.next += 1;
                    self.ids.insert(place, (call.call_id.clone(), number));
                    self.entries.push(Entry { number, call, reported: now });
                }
            }
        }
        self.forget_ended();
    }

    /// Returns the call with this number.
    pub(crate) fn call(&self, number: usize) -> Option<&Call> {
        self.index(number).map(|index| &self.entries[index].call)
    }

    /// Returns how long the call with this number has been open at `now`, or was open until its end.
    pub(crate) fn elapsed(&self, number: usize, now: Duration) -> Duration {
        let Some(index) = self.index(number) else { return Duration::ZERO };
        let entry = &self.entries[index];
        let since = if entry.is_open() { now.saturating_sub(entry.reported) } else { Duration::ZERO };
        ms(entry.call.elapsed_ms) + since
    }

    /// Returns how many calls are open on the server.
    pub(crate) fn open(&self) -> u32 {
        self.open
    }

    /// Returns how many ended calls the server did not report.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Returns how many known ancestors the call with this number has.
    pub(crate) fn depth(&self, number: usize) -> usize {
        self.index(number).map_or(0, |index| self.ancestors(index).count())
    }

    /// Returns the numbers of all calls in display order: open calls first, newest first, and the children of a call
    /// below it, oldest first.
    pub(crate) fn order(&self) -> Vec<usize> {
        // For each index, that of its first child and that of the next child of the same parent.
        let mut first = vec![None; self.entries.len()];
        let mut next = vec![None; self.entries.len()];
        let mut order = Vec::with_capacity(self.entries.len());
        let mut roots = Vec::new();
        for index in self.by_age().into_iter().rev() {
            match self.parent(index) {
                Some(parent) => next[index] = first[parent].replace(index),
                None => roots.push(index),
            }
        }
        for open in [true, false] {
            for root in roots.iter().filter(|root| self.entries[**root].is_open() == open) {
                // A child comes right after its parent and before the parent's next sibling.
                let mut stack = vec![*root];
                while let Some(index) = stack.pop() {
                    order.push(self.entries[index].number);
                    if index != *root {
                        stack.extend(next[index]);
                    }
                    stack.extend(first[index]);
                }
            }
        }
        order
    }

    /// Returns the indices of all calls, oldest first. Nearly all calls become known in that order already.
    fn by_age(&self) -> Vec<usize> {
        let mut order: Vec<usize> = Vec::with_capacity(self.entries.len());
        for (index, entry) in self.entries.iter().enumerate() {
            let place = order.partition_point(|other| self.entries[*other].is_older(entry));
            order.insert(place, index);
        }
        order
    }

    fn index(&self, number: usize) -> Option<usize> {
        self.entries.binary_search_by(|entry| entry.number.cmp(&number)).ok()
    }

    fn find_id(&self, id: &str) -> Result<usize, usize> {
        self.ids.binary_search_by(|(other, _)| other.as_str().cmp(id))
    }

    /// Returns the index of a call's parent, if it is known. A parent is older than its child, so parents form no cycle.
    fn parent(&self, index: usize) -> Option<usize> {
        let child = &self.entries[index];
        let id = self.find_id(child.call.parent_call_id.as_ref()?).ok()?;
        let parent = self.index(self.ids[id].1)?;
        self.entries[parent].is_older(child).then_some(parent)
    }

    fn ancestors(&self, index: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.parent(index), |index| self.parent(*index))
    }

    /// Removes the oldest ended calls above the limit. Those below an open call stay.
    fn forget_ended(&mut self) {
        let is_open = |index: usize| self.entries[index].is_open();
        let mut ended = self.by_age();
        ended.retain(|index| !is_open(*index) && !self.ancestors(*index).any(is_open));
        ended.truncate(ended.len().saturating_sub(MAX_ENDED));
        let forgotten: Vec<usize> = ended.into_iter().map(|index| self.entries[index].number).collect();
        if !forgotten.is_empty() {
            self.entries.retain(|entry| !forgotten.contains(&entry.number));
            self.ids.retain(|(_, number)| !forgotten.contains(number));
        }
    }
}

#[cfg(test)]
mod tests;
