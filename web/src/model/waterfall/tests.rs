use drawbridge_calls_proto::End;
use drawbridge_calls_proto::end::Reason;
use drawbridge_fetch::Backoff;

use super::*;

const fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Returns the trace of a call that started when the page's clock was at one second.
fn trace(attempts: Vec<Attempt>) -> Traced {
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

fn with_backoff(mut attempt: Attempt, planned: u64, skipped: bool) -> Attempt {
    let backoff = Backoff::new(at(planned));
    attempt.backoff = Some(if skipped { backoff.skipped() } else { backoff });
    attempt
}

/// Returns a call that opened this many milliseconds after the first call on its server, and took this many.
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

fn activity(kind: ActivityKind, name: &str, from: f64, to: f64) -> Activity {
    Activity {
        kind: kind.into(),
        name: name.to_owned(),
        started_ms: from,
        stopped_ms: Some(to),
        ..Activity::default()
    }
}

fn build(trace: &Traced, calls: Vec<Call>) -> Waterfall {
    Waterfall::new(trace, &Receipt::received(calls, None), FRONTEND, at(9_000))
}

fn ok() -> Status {
    Status::new(Code::Ok, "")
}

/// Returns kind, depth, start and length of each row.
fn outline(waterfall: &Waterfall) -> Vec<(RowKind, usize, Duration, Option<Duration>)> {
    waterfall.rows.iter().map(|row| (row.kind, row.depth, row.start, row.duration)).collect()
}

#[test]
fn rows_equal_the_servers_records() {
    let mut frontend = call("f", None, 0.0, 300.0);
    frontend.activities = vec![activity(ActivityKind::Child, "/user.UserService/GetUser", 4.0, 250.0)];
    let mut user = call("u", Some("f"), 5.5, 240.125);
    user.activities = vec![activity(ActivityKind::Named, "", 1.0, 200.0)];
    user.end = Some(End { reason: Reason::DeadlineExceeded.into(), code: 4, message: "too late".to_owned() });
    let page = trace(vec![attempt(0, 320, ok())]);
    let waterfall = build(&page, vec![user.clone(), frontend.clone()]);
    let us = Duration::from_micros;
    assert_eq!(
        outline(&waterfall),
        [
            (RowKind::Attempt, 0, at(0), Some(at(320))),
            (RowKind::Hop, 1, at(10), Some(at(300))),
            (RowKind::Hop, 2, us(15_500), Some(us(240_125))),
            (RowKind::Activity, 3, us(16_500), Some(at(199))),
        ]
    );
    for (row, record) in [(&waterfall.rows[1], &frontend), (&waterfall.rows[2], &user)] {
        assert_eq!(row.duration, Some(ms(record.elapsed_ms)));
        assert_eq!(row.requested, record.asked_ms.map(ms));
        assert_eq!(row.granted, record.granted_ms.map(ms));
        assert_eq!(row.end, call_format::end(record.end.as_ref().unwrap()));
    }
    assert_eq!((waterfall.rows[1].severity, waterfall.rows[2].severity), (Severity::Ok, Severity::Error));
    assert_eq!((waterfall.span, waterfall.deadline), (at(320), Some(at(2_000))));
}

#[test]
fn each_attempt_has_the_hop_that_answered_it_and_its_backoff() {
    let full = || Status::unavailable("full");
    let page = trace(vec![with_backoff(attempt(0, 10, full()), 100, false), attempt(112, 130, ok())]);
    let (first, mut second) = (call("a", None, 0.0, 8.0), call("b", None, 111.0, 16.0));
    second.previous_attempts = 1;
    let waterfall = build(&page, vec![second, first]);
    assert_eq!(
        outline(&waterfall),
        [
            (RowKind::Attempt, 0, at(0), Some(at(10))),
            (RowKind::Hop, 1, at(1), Some(at(8))),
            (RowKind::Backoff, 0, at(10), Some(at(102))),
            (RowKind::Attempt, 0, at(112), Some(at(18))),
            (RowKind::Hop, 1, at(113), Some(at(16))),
        ]
    );
    assert_eq!(waterfall.rows[3].granted, Some(at(1_888)), "the time left to the deadline");
    assert!(
        waterfall.rows[0].end.contains("UNAVAILABLE, from the server: full"),
        "{}",
        waterfall.rows[0].end
    );
    assert!(waterfall.rows[2].end.contains("100 ms planned"));
}

#[test]
fn a_skipped_backoff_reaches_beyond_the_deadline() {
    let mut page = trace(vec![with_backoff(attempt(0, 300, Status::unavailable("")), 5_000, true)]);
    let skipped = build(&page, Vec::new());
    assert_eq!(skipped.rows[2].kind, RowKind::SkippedBackoff);
    assert_eq!((skipped.rows[2].start, skipped.rows[2].duration), (at(300), Some(at(5_000))));
    assert_eq!(skipped.span, at(2_200), "the deadline is at 2 s");
    page.granted = None;
    assert_eq!(build(&page, Vec::new()).span, at(500));
}

#[test]
fn the_attempts_of_a_child_call_are_below_their_parent() {
    let mut frontend = call("f", None, 0.0, 300.0);
    let child = "/user.UserService/GetUser";
    let mut skipped = activity(ActivityKind::Backoff, "", 140.0, 140.0);
    skipped.planned_ms = Some(400.0);
    frontend.activities = vec![
        activity(ActivityKind::Handler, "", 0.0, 300.0),
        activity(ActivityKind::Child, child, 1.0, 20.0),
        activity(ActivityKind::Backoff, "", 20.0, 120.0),
        activity(ActivityKind::Child, child, 120.0, 140.0),
        skipped,
    ];
    let (one, mut two) = (call("1", Some("f"), 2.0, 15.0), call("2", Some("f"), 121.0, 15.0));
    two.previous_attempts = 1;
    let page = trace(vec![attempt(0, 300, ok())]);
    let waterfall = build(&page, vec![frontend, one, two]);
    assert_eq!(
        outline(&waterfall)[1..],
        [
            (RowKind::Hop, 1, at(0), Some(at(300))),
            (RowKind::Hop, 2, at(2), Some(at(15))),
            (RowKind::Backoff, 2, at(20), Some(at(100))),
            (RowKind::Hop, 2, at(121), Some(at(15))),
            (RowKind::SkippedBackoff, 2, at(140), Some(at(400))),
        ]
    );
    assert_eq!(waterfall.rows[4].name, "UserService/GetUser, attempt 2");
}

#[test]
fn a_hop_without_a_record_is_unknown() {
    let page = trace(vec![attempt(0, 300, ok())]);
    let unknown = Receipt::Unavailable(Failure::from(&Status::unimplemented("")));
    let waterfall = Waterfall::new(&page, &unknown, FRONTEND, at(0));
    assert_eq!(outline(&waterfall)[1], (RowKind::Unknown, 1, at(0), None));
    assert_eq!(waterfall.rows[1].name, "FrontendService/GetUser");
    assert!(waterfall.rows[1].end.contains("loopback"));
}

#[test]
fn a_child_call_on_another_server_has_its_callers_times() {
    let mut frontend = call("f", None, 0.0, 300.0);
    frontend.activities = vec![activity(ActivityKind::Child, "/user.UserService/GetUser", 4.0, 250.0)];
    let waterfall = build(&trace(vec![attempt(0, 300, ok())]), vec![frontend]);
    assert_eq!(outline(&waterfall)[2], (RowKind::Unknown, 2, at(4), Some(at(246))));
}

#[test]
fn without_a_trace_the_servers_records_are_shown() {
    let (first, mut second) = (call("a", None, 0.0, 8.0), call("b", None, 111.0, 16.0));
    second.previous_attempts = 1;
    let waterfall = build(&Traced::default(), vec![first, second]);
    assert_eq!(
        outline(&waterfall),
        [(RowKind::Hop, 0, at(0), Some(at(8))), (RowKind::Hop, 0, at(111), Some(at(16)))]
    );
}

#[test]
fn a_missing_receipt_is_explained() {
    let nothing = |receipt| Waterfall::new(&Traced::default(), &receipt, FRONTEND, at(0));
    assert_eq!(nothing(Receipt::NotRequested).note, None);
    let gone = Receipt::Unavailable(Failure::from(&Status::not_found("")));
    assert!(nothing(gone).note.unwrap().contains("no longer"));
}

#[test]
fn an_open_call_grows_with_the_clock() {
    let page = trace(vec![Attempt::new(at(1_000))]);
    let waterfall = Waterfall::new(&page, &Receipt::NotRequested, FRONTEND, at(1_500));
    assert_eq!(outline(&waterfall)[0], (RowKind::Attempt, 0, at(0), Some(at(500))));
    assert_eq!(waterfall.rows[0].end, "running");
}

#[test]
fn a_note_names_both_codes_when_page_and_server_disagree() {
    let mut gone = call("f", None, 0.0, 300.0);
    gone.end = Some(End { reason: Reason::ClientGone.into(), code: 1, message: String::new() });
    let late = late();
    let note = build(&trace(vec![attempt(0, 300, late)]), vec![gone]).note;
    assert_eq!(
        note.as_deref(),
        Some("This page reports DEADLINE_EXCEEDED; the server reports CANCELLED, client gone.")
    );
    let agreed = build(&trace(vec![attempt(0, 300, ok())]), vec![call("f", None, 0.0, 299.0)]);
    assert_eq!(agreed.note, None);
}

fn late() -> Status {
    Status::deadline_exceeded("the call did not end within 300ms")
}

#[test]
fn malformed_records_cause_no_panic() {
    let mut strange = call("x", Some("x"), f64::NAN, f64::NAN);
    strange.activities = vec![activity(ActivityKind::Named, "", f64::INFINITY, -1.0)];
    build(&Traced::default(), vec![strange]);
}
