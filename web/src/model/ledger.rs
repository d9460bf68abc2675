//! The calls of a server as they change: those that are open, and those that ended last.

use std::time::Duration;

use drawbridge_proto::calls::{Call, WatchResponse};

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
mod tests {
    use super::*;
    use drawbridge_proto::calls::End;
    use proptest::prelude::*;

    fn call(id: &str, parent: Option<&str>, ended: bool) -> Call {
        Call {
            call_id: id.to_owned(),
            parent_call_id: parent.map(str::to_owned),
            end: ended.then(End::default),
            ..Call::default()
        }
    }

    fn told(calls: Vec<Call>) -> WatchResponse {
        WatchResponse { calls, ..WatchResponse::default() }
    }

    fn apply(ledger: &mut Ledger, response: WatchResponse) {
        ledger.apply(response, Duration::ZERO);
    }

    fn shown(ledger: &Ledger) -> Vec<(String, usize)> {
        let id = |number| ledger.call(number).unwrap().call_id.clone();
        ledger.order().into_iter().map(|number| (id(number), ledger.depth(number))).collect()
    }

    #[track_caller]
    fn assert_shown(ledger: &Ledger, wanted: &[(&str, usize)]) {
        let wanted: Vec<_> = wanted.iter().map(|(id, depth)| ((*id).to_owned(), *depth)).collect();
        assert_eq!(shown(ledger), wanted);
    }

    #[test]
    fn open_calls_come_first_and_children_under_their_parents() {
        let mut ledger = Ledger::default();
        apply(
            &mut ledger,
            told(vec![
                call("old", None, true),
                call("parent", None, false),
                call("new", None, false),
                call("first child", Some("parent"), true),
                call("second child", Some("parent"), false),
                call("grandchild", Some("second child"), false),
                call("orphan", Some("unknown"), true),
            ]),
        );
        assert_shown(
            &ledger,
            &[
                ("new", 0),
                ("parent", 0),
                ("first child", 1),
                ("second child", 1),
                ("grandchild", 2),
                ("orphan", 0),
                ("old", 0),
            ],
        );
    }

    #[test]
    fn a_call_that_changes_keeps_its_number() {
        let mut ledger = Ledger::default();
        apply(&mut ledger, told(vec![call("b", None, false), call("a", None, false)]));
        let [a, b] = ledger.order()[..] else { panic!("two calls") };
        apply(&mut ledger, told(vec![call("a", None, true)]));
        assert_eq!(ledger.order(), [b, a]);
        assert_shown(&ledger, &[("b", 0), ("a", 0)]);
    }

    #[test]
    fn an_open_call_grows_from_when_it_was_told_and_an_ended_one_does_not() {
        let s = Duration::from_secs;
        let mut ledger = Ledger::default();
        let of = |ended| Call { elapsed_ms: 2_000.0, ..call("a", None, ended) };
        ledger.apply(told(vec![of(false)]), s(10));
        assert_eq!(ledger.elapsed(0, s(13)), s(5));
        ledger.apply(told(vec![of(true)]), s(14));
        assert_eq!(ledger.elapsed(0, s(99)), s(2));
    }

    #[test]
    fn a_reset_clears_what_is_known_and_no_number_comes_again() {
        let mut ledger = Ledger::default();
        apply(&mut ledger, told(vec![call("a", None, false)]));
        let before = ledger.order();
        apply(&mut ledger, WatchResponse { reset: true, skipped: 7, ..told(vec![call("a", None, false)]) });
        assert_shown(&ledger, &[("a", 0)]);
        assert_ne!(ledger.order(), before);
        assert_eq!(ledger.skipped(), 7);
    }

    #[test]
    fn the_oldest_ended_calls_are_forgotten_and_open_ones_with_their_children_never() {
        let mut ledger = Ledger::default();
        apply(&mut ledger, told(vec![call("open", None, false), call("child", Some("open"), true)]));
        for number in 0..1_000 {
            apply(&mut ledger, told(vec![call(&number.to_string(), None, true)]));
        }
        let shown = shown(&ledger);
        assert_eq!(shown.len(), 2 + KEPT);
        assert_eq!((shown[0].0.as_str(), shown[1].0.as_str()), ("open", "child"));
        assert_eq!((shown[2].0.as_str(), shown.last().unwrap().0.as_str()), ("999", "900"));
    }

    #[test]
    fn a_child_that_became_known_before_its_parent_stands_under_it_all_the_same() {
        let mut ledger = Ledger::default();
        let child = Call { opened_unix_ms: 2.0, ..call("child", Some("parent"), true) };
        let parent = Call { opened_unix_ms: 1.0, ..call("parent", None, true) };
        apply(&mut ledger, told(vec![child, parent]));
        assert_shown(&ledger, &[("parent", 0), ("child", 1)]);
    }

    proptest! {
        #[test]
        fn every_call_is_shown_once_whoever_claims_to_be_its_parent(
            calls in proptest::collection::vec((0_u8..20, proptest::option::of(0_u8..20), any::<bool>()), 0..60),
        ) {
            let mut ledger = Ledger::default();
            for (id, parent, ended) in calls {
                let parent = parent.map(|parent| parent.to_string());
                apply(&mut ledger, told(vec![call(&id.to_string(), parent.as_deref(), ended)]));
            }
            let mut numbers = ledger.order();
            numbers.sort_unstable();
            let mut all: Vec<_> = ledger.calls.iter().map(|kept| kept.number).collect();
            all.sort_unstable();
            prop_assert_eq!(numbers, all);
        }
    }
}
