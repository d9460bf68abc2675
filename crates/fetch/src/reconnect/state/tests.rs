use super::*;

const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

/// Backoffs of 100 ms, 200 ms, and then always 300 ms.
fn state(timeout: Option<Duration>) -> ReconnectState {
    let policy = ReconnectPolicy::repeatable().with_backoff(ms(100), 2.0, ms(300));
    let policy = match timeout {
        Some(timeout) => policy.with_timeout(timeout),
        None => policy,
    };
    ReconnectState::new(policy, ms(0))
}

/// Returns the time of the next call after a failure at `now`.
#[track_caller]
fn due(state: &mut ReconnectState, status: &Status, now: u64) -> Duration {
    match state.on(Event::Failed { status, random: 0.5 }, ms(now)) {
        Action::Wait(RetryAt::Time(due)) => due,
        action => panic!("{action:?}"),
    }
}

#[track_caller]
fn end(action: Action) -> Status {
    match action {
        Action::End(status) => status,
        action => panic!("{action:?}"),
    }
}

#[track_caller]
fn assert_waits(action: &Action, until: RetryAt) {
    assert!(matches!(action, Action::Wait(at) if *at == until), "{action:?}");
}

fn check(state: &mut ReconnectState, now: u64, surroundings: Surroundings) -> Action {
    state.on(Event::Checked(surroundings), ms(now))
}

fn lost() -> Status {
    Cause::ConnectionBroke { offline: false }.status(Code::Unavailable, "lost")
}

fn pushback(code: Code, value: &str) -> Status {
    let mut status = Status::new(code, "the server is shutting down");
    status.metadata_mut().insert("grpc-retry-pushback-ms", value.parse().unwrap());
    status
}

const VISIBLE: Surroundings = Surroundings { offline: false, hidden: false, left: false };
const OFFLINE: Surroundings = Surroundings { offline: true, ..VISIBLE };
const HIDDEN: Surroundings = Surroundings { hidden: true, ..VISIBLE };
const LEFT: Surroundings = Surroundings { left: true, ..VISIBLE };

#[test]
fn backoffs_grow_up_to_the_maximum_without_end() {
    let mut state = state(None);
    for wait in [100, 200, 300, 300, 300, 300, 300, 300] {
        assert_eq!(due(&mut state, &lost(), 1_000), ms(1_000 + wait));
    }
}

#[test]
fn a_backoff_is_spread_by_20_percent_to_either_side() {
    for (random, wait) in [(0.0, 80), (1.0, 120)] {
        let action = state(None).on(Event::Failed { status: &lost(), random }, ms(0));
        assert_waits(&action, RetryAt::Time(ms(wait)));
    }
}

#[test]
fn a_message_resets_the_backoff_and_an_accepted_call_does_not() {
    let mut state = state(None);
    assert_eq!(due(&mut state, &lost(), 0), ms(100));
    state.on(Event::Opened, ms(100));
    assert_eq!(due(&mut state, &lost(), 100), ms(300));
    state.on(Event::Opened, ms(300));
    state.on(Event::Message, ms(301));
    assert_eq!(due(&mut state, &lost(), 310), ms(410));
}

#[test]
fn a_call_that_was_open_for_long_resets_the_backoff() {
    let mut state = state(None);
    assert_eq!(due(&mut state, &lost(), 0), ms(100));
    state.on(Event::Opened, ms(100));
    assert_eq!(due(&mut state, &lost(), 401), ms(501));
}

#[test]
fn a_call_follows_when_the_backoff_is_over_and_not_before() {
    let mut state = state(None);
    due(&mut state, &lost(), 0);
    assert_waits(&check(&mut state, 99, VISIBLE), RetryAt::Time(ms(100)));
    assert!(matches!(check(&mut state, 100, VISIBLE), Action::Connect));
    assert!(matches!(check(&mut state, 200, VISIBLE), Action::Read), "one call, not two");
}

#[test]
fn a_pushback_is_used_exactly_resets_the_backoff_and_holds_for_any_code() {
    let mut state = state(None);
    due(&mut state, &lost(), 0);
    due(&mut state, &lost(), 0);
    assert_eq!(due(&mut state, &pushback(Code::Unavailable, "7"), 10), ms(17));
    assert_eq!(due(&mut state, &lost(), 20), ms(120));
    assert_eq!(due(&mut state, &pushback(Code::ResourceExhausted, "40"), 30), ms(70));
}

#[test]
fn a_pushback_may_forbid_another_call() {
    let status = pushback(Code::Unavailable, "-1");
    assert_eq!(
        end(state(None).on(Event::Failed { status: &status, random: 0.5 }, ms(0))).code(),
        Code::Unavailable
    );
}

#[test]
fn other_failures_end_the_stream_with_their_status() {
    for status in [
        Status::not_found("no such user"),
        Status::unimplemented("no such method"),
        Cause::Cancelled.status(Code::Cancelled, "cancelled"),
        Cause::DeadlineExceeded.status(Code::DeadlineExceeded, "late"),
        Cause::Protocol.status(Code::Internal, "malformed"),
    ] {
        let end = end(state(None).on(Event::Failed { status: &status, random: 0.5 }, ms(0)));
        assert_eq!((end.code(), end.message()), (status.code(), status.message()));
    }
}

#[test]
fn a_response_that_ends_without_a_status_counts_as_a_lost_connection() {
    let status = Cause::NoStatus.status(Code::Unknown, "cut");
    assert_eq!(due(&mut state(None), &status, 0), ms(100));
}

#[test]
fn no_call_is_made_offline_and_one_at_once_when_online() {
    let mut state = state(None);
    due(&mut state, &lost(), 0);
    assert_waits(&check(&mut state, 1, OFFLINE), RetryAt::Online);
    assert_waits(&check(&mut state, 5_000, OFFLINE), RetryAt::Online);
    assert!(matches!(check(&mut state, 5_001, VISIBLE), Action::Connect));

    due(&mut state, &lost(), 6_000);
    check(&mut state, 6_001, OFFLINE);
    assert!(matches!(check(&mut state, 6_002, VISIBLE), Action::Connect), "the backoff does not matter");
}

#[test]
fn a_pushback_holds_also_when_the_browser_comes_online_before() {
    let mut state = state(None);
    due(&mut state, &pushback(Code::Unavailable, "500"), 0);
    check(&mut state, 1, OFFLINE);
    assert_waits(&check(&mut state, 2, VISIBLE), RetryAt::Time(ms(500)));
}

#[test]
fn a_hidden_page_waits_until_it_is_visible() {
    let mut state = state(None);
    due(&mut state, &lost(), 0);
    assert_waits(&check(&mut state, 10, HIDDEN), RetryAt::Visible);
    assert_waits(&check(&mut state, 50, VISIBLE), RetryAt::Time(ms(100)));
    assert_waits(&check(&mut state, 60_000, HIDDEN), RetryAt::Visible);
    assert!(matches!(check(&mut state, 60_001, VISIBLE), Action::Connect));
}

#[test]
fn a_page_that_was_left_makes_no_call_until_it_comes_back() {
    let mut state = state(None);
    let left = Cause::PageLeft.status(Code::Cancelled, "the user left the page");
    due(&mut state, &left, 0);
    assert_waits(&check(&mut state, 0, LEFT), RetryAt::Visible);
    assert!(matches!(check(&mut state, 90_000, VISIBLE), Action::Connect));
    assert_eq!(due(&mut state, &lost(), 90_001), ms(90_101), "leaving is no failure");
}

#[test]
fn the_user_ends_a_wait_early_also_offline() {
    let mut state = state(None);
    due(&mut state, &lost(), 0);
    check(&mut state, 1, OFFLINE);
    assert!(matches!(state.on(Event::ReconnectNow, ms(2)), Action::Connect));
    assert!(matches!(state.on(Event::ReconnectNow, ms(3)), Action::Read), "a call is being made");
}

#[test]
fn a_backoff_beyond_the_deadline_ends_the_stream_at_once() {
    let mut timed = state(Some(ms(1_000)));
    assert_eq!(due(&mut timed, &lost(), 899), ms(999));
    let end = end(state(Some(ms(1_000))).on(Event::Failed { status: &lost(), random: 0.5 }, ms(900)));
    assert_eq!((end.code(), Cause::of(&end)), (Code::DeadlineExceeded, Some(Cause::NoTimeToRetry)));
    assert!(end.message().contains("UNAVAILABLE: lost"), "{end}");
}

#[test]
fn the_deadline_ends_a_wait_for_the_network() {
    let mut state = state(Some(ms(1_000)));
    due(&mut state, &lost(), 0);
    assert_waits(&check(&mut state, 999, OFFLINE), RetryAt::Online);
    let end = end(check(&mut state, 1_000, OFFLINE));
    assert_eq!((end.code(), Cause::of(&end)), (Code::DeadlineExceeded, Some(Cause::DeadlineExceeded)));
}
