//! The calls of a server as they change: those that are open, and those that ended last.

use std::collections::{BTreeSet, HashMap};

use drawbridge_proto::calls::{Call, WatchResponse};

/// How many calls that have ended are kept, besides those that belong to an open one.
pub(crate) const KEPT: usize = 100;

/// What was told of a server's calls so far. Each call has a number of its own here, by which a view can keep its row.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    numbers: HashMap<String, usize>,
    calls: HashMap<usize, Call>,
    next: usize,
    changed: BTreeSet<usize>,
    skipped: u64,
    open: u32,
}

impl Ledger {
    /// Takes in what the server tells.
    pub(crate) fn apply(&mut self, response: WatchResponse) {
        if response.reset {
            self.numbers.clear();
            self.calls.clear();
            self.changed.clear();
        }
        self.skipped += response.skipped;
        self.open = response.open;
        for call in response.calls {
            let next = self.next;
            let number = *self.numbers.entry(call.call_id.clone()).or_insert(next);
            self.next += usize::from(number == next);
            self.calls.insert(number, call);
            self.changed.insert(number);
        }
        self.forget();
    }

    /// Returns the numbers of the calls that are new or have changed since this was asked last.
    pub(crate) fn take_changed(&mut self) -> BTreeSet<usize> {
        std::mem::take(&mut self.changed)
    }

    /// Returns the call of this number.
    pub(crate) fn call(&self, number: usize) -> Option<&Call> {
        self.calls.get(&number)
    }

    /// Returns how many calls are open, as the server says.
    pub(crate) fn open(&self) -> u32 {
        self.open
    }

    /// Returns how many calls have ended of which nothing was told.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Returns the numbers of all calls in the order in which they are shown, and for each how many parents it stands
    /// under: the open ones first and then the others, the newest before the older, and each child under its parent,
    /// there the oldest first.
    pub(crate) fn order(&self) -> Vec<(usize, usize)> {
        let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut roots = Vec::new();
        for number in self.calls.keys() {
            match self.parent(*number) {
                Some(parent) => children.entry(parent).or_default().push(*number),
                None => roots.push(*number),
            }
        }
        // Numbers are given in the order in which calls became known.
        roots.sort_unstable_by_key(|number| (!self.is_open(*number), std::cmp::Reverse(*number)));
        for children in children.values_mut() {
            children.sort_unstable();
        }
        let mut order = Vec::with_capacity(self.calls.len());
        let mut open: Vec<_> = roots.into_iter().rev().map(|root| (root, 0)).collect();
        while let Some((number, depth)) = open.pop() {
            order.push((number, depth));
            let below = children.remove(&number).unwrap_or_default();
            open.extend(below.into_iter().rev().map(|child| (child, depth + 1)));
        }
        order
    }

    fn is_open(&self, number: usize) -> bool {
        self.calls.get(&number).is_some_and(|call| call.end.is_none())
    }

    /// Returns the number of a call's parent, if that is known. A parent became known before its child, so that no two
    /// calls can be each other's.
    fn parent(&self, number: usize) -> Option<usize> {
        let parent = self.calls.get(&number)?.parent_call_id.as_ref()?;
        self.numbers.get(parent).copied().filter(|parent| *parent < number)
    }

    /// Forgets the oldest of the calls that have ended, where there are too many. Those under an open call stay.
    fn forget(&mut self) {
        let stays = |number: usize| {
            let above = std::iter::successors(Some(number), |number| self.parent(*number));
            above.into_iter().any(|number| self.is_open(number))
        };
        let mut ended: Vec<_> = self.calls.keys().copied().filter(|number| !stays(*number)).collect();
        if ended.len() > KEPT {
            ended.sort_unstable();
            for number in &ended[..ended.len() - KEPT] {
                if let Some(call) = self.calls.remove(number) {
                    self.numbers.remove(&call.call_id);
                }
                self.changed.remove(number);
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

    fn shown(ledger: &Ledger) -> Vec<(String, usize)> {
        let id = |number| ledger.call(number).unwrap().call_id.clone();
        ledger.order().into_iter().map(|(number, depth)| (id(number), depth)).collect()
    }

    #[track_caller]
    fn assert_shown(ledger: &Ledger, wanted: &[(&str, usize)]) {
        let wanted: Vec<_> = wanted.iter().map(|(id, depth)| ((*id).to_owned(), *depth)).collect();
        assert_eq!(shown(ledger), wanted);
    }

    #[test]
    fn open_calls_come_first_and_children_under_their_parents() {
        let mut ledger = Ledger::default();
        ledger.apply(told(vec![
            call("old", None, true),
            call("parent", None, false),
            call("new", None, false),
            call("first child", Some("parent"), true),
            call("second child", Some("parent"), false),
            call("grandchild", Some("second child"), false),
            call("orphan", Some("unknown"), true),
        ]));
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
        ledger.apply(told(vec![call("a", None, false), call("b", None, false)]));
        let before = ledger.take_changed();
        ledger.apply(told(vec![call("a", None, true)]));
        let changed = ledger.take_changed();
        assert_eq!(changed.len(), 1);
        assert!(changed.is_subset(&before));
        assert_shown(&ledger, &[("b", 0), ("a", 0)]);
        assert!(ledger.take_changed().is_empty());
    }

    #[test]
    fn a_reset_clears_what_is_known_and_no_number_comes_again() {
        let mut ledger = Ledger::default();
        ledger.apply(told(vec![call("a", None, false)]));
        let before = ledger.take_changed();
        ledger.apply(WatchResponse { reset: true, skipped: 7, ..told(vec![call("a", None, false)]) });
        assert_shown(&ledger, &[("a", 0)]);
        assert!(ledger.take_changed().is_disjoint(&before));
        assert_eq!(ledger.skipped(), 7);
    }

    #[test]
    fn the_oldest_ended_calls_are_forgotten_and_open_ones_with_their_children_never() {
        let mut ledger = Ledger::default();
        ledger.apply(told(vec![call("open", None, false), call("child", Some("open"), true)]));
        for number in 0..1_000 {
            ledger.apply(told(vec![call(&number.to_string(), None, true)]));
        }
        let shown = shown(&ledger);
        assert_eq!(shown.len(), 2 + KEPT);
        assert_eq!((shown[0].0.as_str(), shown[1].0.as_str()), ("open", "child"));
        assert_eq!((shown[2].0.as_str(), shown.last().unwrap().0.as_str()), ("999", "900"));
    }

    proptest! {
        #[test]
        fn every_call_is_shown_once_whoever_claims_to_be_its_parent(
            calls in proptest::collection::vec((0_u8..20, proptest::option::of(0_u8..20), any::<bool>()), 0..60),
        ) {
            let mut ledger = Ledger::default();
            for (id, parent, ended) in calls {
                let parent = parent.map(|parent| parent.to_string());
                ledger.apply(told(vec![call(&id.to_string(), parent.as_deref(), ended)]));
            }
            let mut numbers: Vec<_> = ledger.order().into_iter().map(|(number, _)| number).collect();
            numbers.sort_unstable();
            let mut all: Vec<_> = ledger.calls.keys().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(numbers, all);
        }
    }
}
