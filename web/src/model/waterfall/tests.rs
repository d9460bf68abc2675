use drawbridge_calls_proto::End;
use drawbridge_calls_proto::end::Reason;
use drawbridge_fetch::Backoff;

use super::*;

const fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A page whose clock stood at one second when the call was made.
fn traced(attempts: Vec<Attempt>) -> Traced {
    let mut traced = Traced::default();
    traced.end = attempts.last().and_then(|attempt| attempt.end.clone());
    (traced.began, traced.granted, traced.attempts) = (at(1_000), Some(at(2_000)), attempts);
    traced
}

fn attempt(from: u64, to: u64, status: Status) -> Attempt {
    let mut attempt = Attempt::new(at(1_000 + from));
    attempt.end = Some((at(1_000 + to), status));
    attempt
}

fn waiting(mut attempt: Attempt, planned: u64, skipped: bool) -> Attempt {
    let backoff = Backoff::new(at(planned));
    attempt.backoff = Some(if skipped { backoff.skipped() } else { backoff });
    attempt
}

/// A call that opened so many milliseconds after others of its server, and took so many.
fn call(id: &str, parent: Option<&str>, opened: f64, took: f64) -> Call {
    Call {
        call_id: id.to_owned(),
        parent_call_id: parent.map(str::to_owned),
        method: if parent.is_some() { "/user.UserService/GetUser" } else { FRONTEND }.to_owned(),
        opened_unix_ms: 1_700_000_000_000.0 + opened,
        elapsed_ms: took,
        asked_ms: Some(2_000.0),
        granted_ms: Some(1_500.25),
        end: Some(End { reason: Reason::Completed.into(), code: 0, message: String::new() }),
        ..Call::default()
    }
}

const FRONTEND: &str = "/frontend.FrontendService/GetUser";

fn work(kind: WorkKind, name: &str, from: f64, to: f64) -> Work {
    Work {
        kind: kind.into(),
        name: name.to_owned(),
        started_ms: from,
        stopped_ms: Some(to),
        ..Work::default()
    }
}

fn drawn(traced: &Traced, calls: Vec<Call>) -> Waterfall {
    Waterfall::of(traced, &Proof::Told { calls, after: None }, FRONTEND, at(9_000))
}

fn ok() -> Status {
    Status::new(Code::Ok, "")
}

/// Returns kind, depth, start and length of each row.
fn outline(waterfall: &Waterfall) -> Vec<(Kind, usize, Duration, Option<Duration>)> {
    waterfall.rows.iter().map(|row| (row.kind, row.depth, row.start, row.used)).collect()
}

#[test]
fn waterfall_rows_equal_the_servers_own_records() {
    let mut frontend = call("f", None, 0.0, 300.0);
    frontend.works = vec![work(WorkKind::Child, "/user.UserService/GetUser", 4.0, 250.0)];
    let mut user = call("u", Some("f"), 5.5, 240.125);
    user.works = vec![work(WorkKind::Activity, "", 1.0, 200.0)];
    user.end = Some(End { reason: Reason::DeadlineExceeded.into(), code: 4, message: "too late".to_owned() });
    let page = traced(vec![attempt(0, 320, ok())]);
    let drawn = drawn(&page, vec![user.clone(), frontend.clone()]);
    let us = Duration::from_micros;
    assert_eq!(
        outline(&drawn),
        [
            (Kind::Attempt, 0, at(0), Some(at(320))),
            (Kind::Hop, 1, at(10), Some(at(300))),
            (Kind::Hop, 2, us(15_500), Some(us(240_125))),
            (Kind::Query, 3, us(16_500), Some(at(199))),
        ]
    );
    for (row, record) in [(&drawn.rows[1], &frontend), (&drawn.rows[2], &user)] {
        assert_eq!(row.used, Some(ms(record.elapsed_ms)));
        assert_eq!(row.asked, record.asked_ms.map(ms));
        assert_eq!(row.granted, record.granted_ms.map(ms));
        assert_eq!(row.end, record::ended(record.end.as_ref().unwrap()));
    }
    assert_eq!((drawn.rows[1].tone, drawn.rows[2].tone), (Tone::Good, Tone::Bad));
    assert_eq!((drawn.span, drawn.deadline), (at(320), Some(at(2_000))));
}

#[test]
fn each_attempt_has_the_hop_that_answered_it_and_the_wait_after_it() {
    let full = || Status::unavailable("full");
    let page = traced(vec![waiting(attempt(0, 10, full()), 100, false), attempt(112, 130, ok())]);
    let (first, mut second) = (call("a", None, 0.0, 8.0), call("b", None, 111.0, 16.0));
    second.previous_attempts = 1;
    let drawn = drawn(&page, vec![second, first]);
    assert_eq!(
        outline(&drawn),
        [
            (Kind::Attempt, 0, at(0), Some(at(10))),
            (Kind::Hop, 1, at(1), Some(at(8))),
            (Kind::Wait, 0, at(10), Some(at(102))),
            (Kind::Attempt, 0, at(112), Some(at(18))),
            (Kind::Hop, 1, at(113), Some(at(16))),
        ]
    );
    assert_eq!(drawn.rows[3].granted, Some(at(1_888)), "what was left of the one deadline");
    assert!(drawn.rows[0].end.contains("UNAVAILABLE, from the server: full"), "{}", drawn.rows[0].end);
    assert!(drawn.rows[2].end.contains("100 ms planned"));
}

#[test]
fn a_wait_that_was_skipped_is_drawn_beyond_the_deadline() {
    let mut page = traced(vec![waiting(attempt(0, 300, Status::unavailable("")), 5_000, true)]);
    let skipped = drawn(&page, Vec::new());
    assert_eq!(skipped.rows[2].kind, Kind::Skipped);
    assert_eq!((skipped.rows[2].start, skipped.rows[2].used), (at(300), Some(at(5_000))));
    assert_eq!(skipped.span, at(2_200), "the deadline is at 2 s");
    page.granted = None;
    assert_eq!(drawn(&page, Vec::new()).span, at(500));
}

#[test]
fn the_childs_attempts_stand_under_the_call_that_made_them() {
    let mut frontend = call("f", None, 0.0, 300.0);
    let child = "/user.UserService/GetUser";
    let mut skipped = work(WorkKind::Backoff, "", 140.0, 140.0);
    skipped.planned_ms = Some(400.0);
    frontend.works = vec![
        work(WorkKind::Handler, "", 0.0, 300.0),
        work(WorkKind::Child, child, 1.0, 20.0),
        work(WorkKind::Backoff, "", 20.0, 120.0),
        work(WorkKind::Child, child, 120.0, 140.0),
        skipped,
    ];
    let (one, mut two) = (call("1", Some("f"), 2.0, 15.0), call("2", Some("f"), 121.0, 15.0));
    two.previous_attempts = 1;
    let page = traced(vec![attempt(0, 300, ok())]);
    let drawn = drawn(&page, vec![frontend, one, two]);
    assert_eq!(
        outline(&drawn)[1..],
        [
            (Kind::Hop, 1, at(0), Some(at(300))),
            (Kind::Hop, 2, at(2), Some(at(15))),
            (Kind::Wait, 2, at(20), Some(at(100))),
            (Kind::Hop, 2, at(121), Some(at(15))),
            (Kind::Skipped, 2, at(140), Some(at(400))),
        ]
    );
    assert_eq!(drawn.rows[4].name, "UserService/GetUser, attempt 2");
}

#[test]
fn a_hop_that_cannot_be_asked_is_unknown() {
    let page = traced(vec![attempt(0, 300, ok())]);
    let unknown = Proof::Unknown(Failure::from(&Status::unimplemented("")));
    let drawn = Waterfall::of(&page, &unknown, FRONTEND, at(0));
    assert_eq!(outline(&drawn)[1], (Kind::Unknown, 1, at(0), None));
    assert_eq!(drawn.rows[1].name, "FrontendService/GetUser");
    assert!(drawn.rows[1].end.contains("loopback"));
}

#[test]
fn a_child_of_another_server_is_drawn_as_its_caller_saw_it() {
    let mut frontend = call("f", None, 0.0, 300.0);
    frontend.works = vec![work(WorkKind::Child, "/user.UserService/GetUser", 4.0, 250.0)];
    let drawn = drawn(&traced(vec![attempt(0, 300, ok())]), vec![frontend]);
    assert_eq!(outline(&drawn)[2], (Kind::Unknown, 2, at(4), Some(at(246))));
}

#[test]
fn without_a_trace_there_is_what_the_servers_tell() {
    let (first, mut second) = (call("a", None, 0.0, 8.0), call("b", None, 111.0, 16.0));
    second.previous_attempts = 1;
    let drawn = drawn(&Traced::default(), vec![first, second]);
    assert_eq!(outline(&drawn), [(Kind::Hop, 0, at(0), Some(at(8))), (Kind::Hop, 0, at(111), Some(at(16)))]);
}

#[test]
fn nothing_known_is_said() {
    let nothing = |proof| Waterfall::of(&Traced::default(), &proof, FRONTEND, at(0));
    assert_eq!(nothing(Proof::Unasked).verdicts, None);
    let gone = Proof::Unknown(Failure::from(&Status::not_found("")));
    assert!(nothing(gone).verdicts.unwrap().contains("no longer"));
}

#[test]
fn a_call_that_runs_grows_with_the_clock() {
    let page = traced(vec![Attempt::new(at(1_000))]);
    let drawn = Waterfall::of(&page, &Proof::Unasked, FRONTEND, at(1_500));
    assert_eq!(outline(&drawn)[0], (Kind::Attempt, 0, at(0), Some(at(500))));
    assert_eq!(drawn.rows[0].end, "runs");
}

#[test]
fn page_and_server_are_both_heard_where_they_do_not_agree() {
    let mut gone = call("f", None, 0.0, 300.0);
    gone.end = Some(End { reason: Reason::ClientGone.into(), code: 1, message: String::new() });
    let late = late();
    let told = drawn(&traced(vec![attempt(0, 300, late)]), vec![gone]).verdicts;
    assert_eq!(
        told.as_deref(),
        Some("This page says DEADLINE_EXCEEDED; the server says CANCELLED, client gone.")
    );
    let agreed = drawn(&traced(vec![attempt(0, 300, ok())]), vec![call("f", None, 0.0, 299.0)]);
    assert_eq!(agreed.verdicts, None);
}

fn late() -> Status {
    Status::deadline_exceeded("the call did not end within 300ms")
}

#[test]
fn no_record_of_a_server_makes_it_panic() {
    let mut strange = call("x", Some("x"), f64::NAN, f64::NAN);
    strange.works = vec![work(WorkKind::Activity, "", f64::INFINITY, -1.0)];
    drawn(&Traced::default(), vec![strange]);
}
