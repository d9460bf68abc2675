use super::*;
use drawbridge_calls_proto::End;
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
