//! The calls of a server as they change: those that are open, and those that ended last.

use std::time::Duration;

use drawbridge_calls_proto::{Call, WatchResponse};

use super::record::ms;

/// How many calls that have ended are kept, besides those that belong to an open one.
pub(crate) const KEPT: usize = 100;

/// What was told of a server's calls so far. Each call has a number of its own here, by which a view can keep its row.
///
/// It is made of plain lists, each in order, because the code of maps and of sorting is heavy.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The calls in the order in which they opened.
    calls: Vec<Kept>,
    /// When the call of each number opened. Numbers are given as calls become known, which is in any order.
    opened: Vec<(usize, f64)>,
    /// The numbers of the calls, by their ids.
    ids: Vec<(String, usize)>,
    next: usize,
    skipped: u64,
    open: u32,
}

#[derive(Debug)]
struct Kept {
    number: usize,
    /// When it opened, as was told first: by this it is found again.
    opened: f64,
    call: Call,
    /// When the server told of it, by the page's clock.
    told: Duration,
}

impl Ledger {
    /// Takes in what the server tells `now`.
    pub(crate) fn apply(&mut self, response: WatchResponse, now: Duration) {
        if response.reset {
            self.calls.clear();
            self.opened.clear();
            self.ids.clear();
        }
        self.skipped += response.skipped;
        self.open = response.open;
        for call in response.calls {
            match self.find(&call.call_id) {
                Ok(place) => {
                    let known = self.place(self.ids[place].1).and_then(|place| self.calls.get_mut(place));
                    if let Some(known) = known {
                        (known.call, known.told) = (call, now);
                    }
                }
                Err(place) => {
                    let (number, opened) = (self.next, call.opened_unix_ms);
                    self.next += 1;
                    self.ids.insert(place, (call.call_id.clone(), number));
                    self.opened.push((number, opened));
                    let (Ok(place) | Err(place)) = self.search(number, opened);
                    self.calls.insert(place, Kept { number, opened, call, told: now });
                }
            }
        }
        self.forget();
    }

    /// Returns the call of this number.
    pub(crate) fn call(&self, number: usize) -> Option<&Call> {
        self.place(number).map(|place| &self.calls[place].call)
    }

    /// Returns for how long the call of this number has been open at `now`, or was.
    pub(crate) fn elapsed(&self, number: usize, now: Duration) -> Duration {
        let Some(place) = self.place(number) else { return Duration::ZERO };
        let Kept { call, told, .. } = &self.calls[place];
        let since = if call.end.is_some() { Duration::ZERO } else { now.saturating_sub(*told) };
        ms(call.elapsed_ms) + since
    }

    /// Returns how many calls are open, as the server says.
    pub(crate) fn open(&self) -> u32 {
        self.open
    }

    /// Returns how many calls have ended of which nothing was told.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Returns under how many parents the call of this number stands.
    pub(crate) fn depth(&self, number: usize) -> usize {
        self.above(number).count()
    }

    /// Returns the numbers of all calls in the order in which they are shown: the open ones first and then the others, the
    /// newest before the older, and each child under its parent, there the oldest first.
    pub(crate) fn order(&self) -> Vec<usize> {
        // For each place, that of its first child and that of the next child of the same parent.
        let mut first = vec![None; self.calls.len()];
        let mut next = vec![None; self.calls.len()];
        let mut order = Vec::with_capacity(self.calls.len());
        let mut roots = Vec::new();
        for (place, Kept { number, .. }) in self.calls.iter().enumerate().rev() {
            match self.parent(*number).and_then(|parent| self.place(parent)) {
                Some(parent) => next[place] = first[parent].replace(place),
                None => roots.push(place),
            }
        }
        for open in [true, false] {
            // Those that opened last are at the front.
            for root in roots.iter().filter(|root| self.calls[**root].call.end.is_none() == open) {
                // A child comes right after its parent and before the parent's next sibling.
                let mut waiting = vec![*root];
                while let Some(place) = waiting.pop() {
                    order.push(self.calls[place].number);
                    if place != *root {
                        waiting.extend(next[place]);
                    }
                    waiting.extend(first[place]);
                }
            }
        }
        order
    }

    fn find(&self, id: &str) -> Result<usize, usize> {
        self.ids.binary_search_by(|(other, _)| other.as_str().cmp(id))
    }

    fn place(&self, number: usize) -> Option<usize> {
        let at = self.opened.binary_search_by(|(other, _)| other.cmp(&number)).ok()?;
        self.search(number, self.opened[at].1).ok()
    }

    fn search(&self, number: usize, opened: f64) -> Result<usize, usize> {
        self.calls.binary_search_by(|kept| kept.opened.total_cmp(&opened).then(kept.number.cmp(&number)))
    }

    /// Returns the number of a call's parent, if that is known. A parent opened before its child, so that no two calls can
    /// be each other's.
    fn parent(&self, number: usize) -> Option<usize> {
        let parent = self.call(number)?.parent_call_id.as_ref()?;
        let (_, parent) = self.ids[self.find(parent).ok()?];
        (self.place(parent)? < self.place(number)?).then_some(parent)
    }

    /// Returns the parent of a call, the parent of that, and so on.
    fn above(&self, number: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.parent(number), |number| self.parent(*number))
    }

    /// Forgets the oldest of the calls that have ended, where there are too many. Those under an open call stay.
    fn forget(&mut self) {
        let is_open = |number: usize| self.call(number).is_some_and(|call| call.end.is_none());
        let ended = self.calls.iter().map(|kept| kept.number);
        let ended: Vec<_> =
            ended.filter(|number| !is_open(*number) && !self.above(*number).any(is_open)).collect();
        for number in ended.iter().take(ended.len().saturating_sub(KEPT)) {
            if let Some(place) = self.place(*number) {
                let Kept { call, number, .. } = self.calls.remove(place);
                if let Ok(place) = self.find(&call.call_id) {
                    self.ids.remove(place);
                }
                if let Ok(place) = self.opened.binary_search_by(|(other, _)| other.cmp(&number)) {
                    self.opened.remove(place);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
