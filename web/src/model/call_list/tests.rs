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

fn response(calls: Vec<Call>) -> WatchResponse {
    WatchResponse { calls, ..WatchResponse::default() }
}

fn apply(list: &mut CallList, response: WatchResponse) {
    list.apply(response, Duration::ZERO);
}

fn shown(list: &CallList) -> Vec<(String, usize)> {
    let id = |number| list.call(number).unwrap().call_id.clone();
    list.order().into_iter().map(|number| (id(number), list.depth(number))).collect()
}

#[track_caller]
fn assert_shown(list: &CallList, expected: &[(&str, usize)]) {
    let expected: Vec<_> = expected.iter().map(|(id, depth)| ((*id).to_owned(), *depth)).collect();
    assert_eq!(shown(list), expected);
}

#[test]
fn open_calls_come_first_and_children_below_their_parents() {
    let mut list = CallList::default();
    apply(
        &mut list,
        response(vec![
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
        &list,
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
    let mut list = CallList::default();
    apply(&mut list, response(vec![call("b", None, false), call("a", None, false)]));
    let [a, b] = list.order()[..] else { panic!("two calls") };
    apply(&mut list, response(vec![call("a", None, true)]));
    assert_eq!(list.order(), [b, a]);
    assert_shown(&list, &[("b", 0), ("a", 0)]);
}

#[test]
fn the_elapsed_time_grows_until_the_call_ends() {
    let s = Duration::from_secs;
    let mut list = CallList::default();
    let reported = |ended| Call { elapsed_ms: 2_000.0, ..call("a", None, ended) };
    list.apply(response(vec![reported(false)]), s(10));
    assert_eq!(list.elapsed(0, s(13)), s(5));
    list.apply(response(vec![reported(true)]), s(14));
    assert_eq!(list.elapsed(0, s(99)), s(2));
}

#[test]
fn a_reset_clears_the_list_and_reuses_no_number() {
    let mut list = CallList::default();
    apply(&mut list, response(vec![call("a", None, false)]));
    let before = list.order();
    apply(&mut list, WatchResponse { reset: true, skipped: 7, ..response(vec![call("a", None, false)]) });
    assert_shown(&list, &[("a", 0)]);
    assert_ne!(list.order(), before);
    assert_eq!(list.skipped(), 7);
}

#[test]
fn the_oldest_ended_calls_are_forgotten_but_open_calls_and_their_children_stay() {
    let mut list = CallList::default();
    apply(&mut list, response(vec![call("open", None, false), call("child", Some("open"), true)]));
    for number in 0..1_000 {
        apply(&mut list, response(vec![call(&number.to_string(), None, true)]));
    }
    let shown = shown(&list);
    assert_eq!(shown.len(), 2 + MAX_ENDED);
    assert_eq!((shown[0].0.as_str(), shown[1].0.as_str()), ("open", "child"));
    assert_eq!((shown[2].0.as_str(), shown.last().unwrap().0.as_str()), ("999", "900"));
}

#[test]
fn a_child_that_became_known_before_its_parent_is_below_it() {
    let mut list = CallList::default();
    let child = Call { opened_unix_ms: 2.0, ..call("child", Some("parent"), true) };
    let parent = Call { opened_unix_ms: 1.0, ..call("parent", None, true) };
    apply(&mut list, response(vec![child, parent]));
    assert_shown(&list, &[("parent", 0), ("child", 1)]);
}

proptest! {
    #[test]
    fn every_call_is_shown_once_for_any_parent_ids(
        calls in proptest::collection::vec((0_u8..20, proptest::option::of(0_u8..20), any::<bool>()), 0..60),
    ) {
        let mut list = CallList::default();
        for (id, parent, ended) in calls {
            let parent = parent.map(|parent| parent.to_string());
            apply(&mut list, response(vec![call(&id.to_string(), parent.as_deref(), ended)]));
        }
        let mut numbers = list.order();
        numbers.sort_unstable();
        let mut all: Vec<_> = list.entries.iter().map(|entry| entry.number).collect();
        all.sort_unstable();
        prop_assert_eq!(numbers, all);
    }
}

#[test]
fn the_oldest_are_forgotten_by_age_and_not_by_when_they_became_known() {
    let mut list = CallList::default();
    let opened = |id: usize, opened| Call { opened_unix_ms: opened, ..call(&id.to_string(), None, true) };
    let newest_first = (0..=MAX_ENDED).map(|id| opened(id, 1_000.0 - f64::from(u32::try_from(id).unwrap())));
    apply(&mut list, response(newest_first.collect()));
    assert_eq!(list.order().len(), MAX_ENDED);
    assert_eq!(list.call(0).unwrap().call_id, "0", "the newest stays");
    assert_eq!(list.call(MAX_ENDED), None, "the oldest is gone");
}
