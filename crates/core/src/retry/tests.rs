//! The rules of gRFC A6 one by one, and properties of all policies.

use std::time::Duration;

use proptest::prelude::*;
use tonic::{Code, Status};

use super::*;

/// Retries UNAVAILABLE after 100 ms, 200 ms, and then always 300 ms.
fn policy(max_attempts: u32) -> RetryPolicy {
    RetryPolicy::new(max_attempts, [Code::Unavailable]).with_backoff(ms(100), 2.0, ms(300))
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn failure(code: Code) -> FailedAttempt {
    FailedAttempt::new(code)
}

/// A throttle that allows all retries.
fn idle() -> Throttle {
    Throttle::new(1000, 1.0)
}

#[test]
fn backoffs_grow_up_to_the_maximum() {
    let policy = policy(5);
    let mut attempts = Attempts::new(&policy);
    let mut waits = Vec::new();
    while let RetryDecision::RetryAfter(wait) =
        attempts.after(failure(Code::Unavailable), None, 0.5, &mut idle())
    {
        waits.push(wait);
    }
    assert_eq!(waits, [ms(100), ms(200), ms(300), ms(300)], "five attempts have four waits");
}

#[test]
fn a_backoff_is_spread_by_20_percent_to_either_side() {
    let policy = policy(2);
    for (random, expected) in [(0.0, ms(80)), (0.5, ms(100)), (1.0, ms(120))] {
        let next = Attempts::new(&policy).after(failure(Code::Unavailable), None, random, &mut idle());
        assert_eq!(next, RetryDecision::RetryAfter(expected), "{random}");
    }
}

#[test]
fn max_attempts_counts_the_first_and_is_limited_to_five() {
    for (asked, most) in [(0, 1), (1, 1), (2, 2), (5, 5), (6, 5), (u32::MAX, 5)] {
        assert_eq!(policy(asked).max_attempts(), most, "{asked}");
    }
}

#[test]
fn previous_attempts_are_counted() {
    let policy = policy(3);
    let mut attempts = Attempts::new(&policy);
    assert_eq!(attempts.previous(), 0);
    attempts.after(failure(Code::Unavailable), None, 0.5, &mut idle());
    assert_eq!(attempts.previous(), 1);
    attempts.after(failure(Code::Unavailable), None, 0.5, &mut idle());
    assert_eq!(attempts.previous(), 2);
    assert_eq!(attempts.after(failure(Code::Unavailable), None, 0.5, &mut idle()), RetryDecision::Fail);
    assert_eq!(attempts.previous(), 2, "no further attempt was made");
}

#[test]
fn other_codes_and_committed_calls_are_not_retried() {
    let policy = policy(5);
    for fatal in [failure(Code::Internal), failure(Code::Unavailable).with_committed(true)] {
        let mut throttle = Throttle::new(10, 0.1);
        assert_eq!(
            Attempts::new(&policy).after(fatal, None, 0.5, &mut throttle),
            RetryDecision::Fail,
            "{fatal:?}"
        );
        assert_eq!(throttle, Throttle::new(10, 0.1), "takes no token");
    }
}

#[test]
fn a_pushback_is_used_exactly_and_resets_the_backoff() {
    let policy = policy(5);
    let mut attempts = Attempts::new(&policy);
    let mut after =
        |pushback| attempts.after(failure(Code::Unavailable).with_pushback(pushback), None, 0.5, &mut idle());
    assert_eq!(after(None), RetryDecision::RetryAfter(ms(100)));
    assert_eq!(after(None), RetryDecision::RetryAfter(ms(200)));
    assert_eq!(after(Some(Pushback::After(ms(7)))), RetryDecision::RetryAfter(ms(7)));
    assert_eq!(after(None), RetryDecision::RetryAfter(ms(100)));
}

#[test]
fn a_pushback_may_forbid_a_retry() {
    let policy = policy(5);
    let stop = failure(Code::Unavailable).with_pushback(Some(Pushback::Stop));
    assert_eq!(Attempts::new(&policy).after(stop, None, 0.5, &mut idle()), RetryDecision::Fail);
}

#[test]
fn a_pushback_is_a_number_of_milliseconds_or_stop() {
    for (text, read) in [
        ("0", Pushback::After(ms(0))),
        ("250", Pushback::After(ms(250))),
        (" 5 ", Pushback::After(ms(5))),
        ("-1", Pushback::Stop),
        ("soon", Pushback::Stop),
        ("", Pushback::Stop),
        ("1.5", Pushback::Stop),
        ("99999999999", Pushback::Stop),
    ] {
        assert_eq!(Pushback::parse(text.as_bytes()), read, "{text:?}");
    }
    assert_eq!(Pushback::parse(b"\xff"), Pushback::Stop);
}

#[test]
fn a_backoff_beyond_the_deadline_is_out_of_time() {
    let policy = policy(5);
    for (remaining, next) in [
        (ms(101), RetryDecision::RetryAfter(ms(100))),
        (ms(100), RetryDecision::OutOfTime { backoff: ms(100), remaining: ms(100) }),
        (ms(0), RetryDecision::OutOfTime { backoff: ms(100), remaining: ms(0) }),
    ] {
        let mut attempts = Attempts::new(&policy);
        assert_eq!(attempts.after(failure(Code::Unavailable), Some(remaining), 0.5, &mut idle()), next);
        assert_eq!(attempts.previous(), u32::from(matches!(next, RetryDecision::RetryAfter(_))));
    }
}

#[test]
fn a_throttle_with_half_of_its_tokens_taken_allows_no_retry() {
    let policy = policy(2);
    let mut throttle = Throttle::new(4, 0.5);
    let fail = |throttle: &mut Throttle| {
        Attempts::new(&policy).after(failure(Code::Unavailable), None, 0.5, throttle)
    };
    assert_eq!(fail(&mut throttle), RetryDecision::RetryAfter(ms(100)), "three of four are left");
    assert_eq!(fail(&mut throttle), RetryDecision::Fail, "two of four are half");
    throttle.on_success();
    assert!(throttle.allows_retries(), "two and a half are more");
    for _ in 0..100 {
        throttle.on_success();
    }
    assert_eq!(throttle, Throttle::new(4, 0.5), "never more than the maximum");
}

#[test]
fn a_status_carries_its_pushback_in_metadata() {
    let mut status = Status::unavailable("busy");
    assert_eq!(FailedAttempt::from_status(&status), failure(Code::Unavailable));
    status.metadata_mut().insert("grpc-retry-pushback-ms", "7".parse().unwrap());
    let pushback = Some(Pushback::After(ms(7)));
    assert_eq!(FailedAttempt::from_status(&status), failure(Code::Unavailable).with_pushback(pushback));
}

#[test]
fn calls_share_a_throttle_through_their_retry_states() {
    let (policy, throttle) = (policy(2), SharedThrottle::new(Throttle::new(4, 0.5)));
    let failed = Status::unavailable("busy");
    let fail = || RetryState::new(&policy, &throttle.clone()).after_failure(&failed, false, None, 0.5);
    assert_eq!(fail(), RetryDecision::RetryAfter(ms(100)), "three of four tokens are left");
    assert_eq!(fail(), RetryDecision::Fail, "two of four are half");
    RetryState::new(&policy, &throttle).on_success();
    RetryState::new(&policy, &throttle).on_success();
    RetryState::new(&policy, &throttle).on_success();
    assert_eq!(fail(), RetryDecision::RetryAfter(ms(100)), "two and a half are left after this failure");
}

#[test]
fn a_retry_state_counts_attempts_and_keeps_a_committed_call() {
    let (policy, throttle) = (policy(3), SharedThrottle::default());
    let failed = Status::unavailable("busy");
    let mut state = RetryState::new(&policy, &throttle);
    assert_eq!(state.after_failure(&failed, false, None, 0.5), RetryDecision::RetryAfter(ms(100)));
    assert_eq!(state.previous_attempts(), 1);
    assert_eq!(state.after_failure(&failed, true, None, 0.5), RetryDecision::Fail);
}

#[test]
fn the_out_of_time_status_names_both_times_and_the_last_failure() {
    let status = out_of_time(Duration::from_micros(200_900), ms(50), &Status::unavailable("busy"));
    assert_eq!(status.code(), Code::DeadlineExceeded);
    for part in ["200ms", "50ms", "UNAVAILABLE: busy"] {
        assert!(status.message().contains(part), "{status}");
    }
}

proptest! {
    #[test]
    fn no_policy_exceeds_its_attempts_or_its_maximum_backoff(
        max_attempts in 0_u32..20,
        initial in 0_u64..10_000,
        multiplier in -1.0..100.0,
        max in 0_u64..10_000,
        randoms in prop::collection::vec(0.0..1.0, 30),
    ) {
        let policy = RetryPolicy::new(max_attempts, [Code::Unavailable]).with_backoff(ms(initial), multiplier, ms(max));
        let mut attempts = Attempts::new(&policy);
        let mut made = 1;
        for random in randoms {
            match attempts.after(failure(Code::Unavailable), None, random, &mut idle()) {
                RetryDecision::RetryAfter(wait) => {
                    made += 1;
                    prop_assert!(wait <= ms(max).mul_f64(1.2) + Duration::from_micros(1));
                }
                _ => break,
            }
        }
        prop_assert_eq!(made, policy.max_attempts());
        prop_assert!(made <= 5);
    }

    #[test]
    fn no_retry_waits_beyond_the_deadline(remaining in 0_u64..1_000, random in 0.0..1.0, pushback in prop::option::of(0_u64..1_000)) {
        let policy = policy(5);
        let pushback = pushback.map(|wait| Pushback::After(ms(wait)));
        let failed = failure(Code::Unavailable).with_pushback(pushback);
        let next = Attempts::new(&policy).after(failed, Some(ms(remaining)), random, &mut idle());
        if let RetryDecision::RetryAfter(wait) = next {
            prop_assert!(wait < ms(remaining));
        }
    }

    #[test]
    fn no_pushback_panics(value in prop::collection::vec(any::<u8>(), 0..16)) {
        let _ = Pushback::parse(&value);
    }
}
