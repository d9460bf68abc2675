//! The rules of gRFC A6, one by one, and what holds whatever the policy.

use super::*;
use proptest::prelude::*;

/// Tries UNAVAILABLE again: after 100 ms, 200 ms, 400 ms, and never longer than 300 ms.
fn policy(max_attempts: u32) -> RetryPolicy {
    RetryPolicy::new(max_attempts, [Code::Unavailable]).with_backoff(ms(100), 2.0, ms(300))
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn failure(code: Code) -> Failure {
    Failure { code, pushback: None, committed: false }
}

/// A throttle that never stands in the way.
fn idle() -> Throttle {
    Throttle::new(1000, 1.0)
}

#[test]
fn backoffs_grow_up_to_the_longest() {
    let policy = policy(5);
    let mut attempts = Attempts::new(&policy);
    let mut waits = Vec::new();
    while let Next::RetryAfter(wait) = attempts.after(failure(Code::Unavailable), None, 0.5, &mut idle()) {
        waits.push(wait);
    }
    assert_eq!(waits, [ms(100), ms(200), ms(300), ms(300)], "five attempts have four waits");
}

#[test]
fn a_backoff_is_spread_by_a_fifth_to_either_side() {
    let policy = policy(2);
    for (random, expected) in [(0.0, ms(80)), (0.5, ms(100)), (1.0, ms(120))] {
        let next = Attempts::new(&policy).after(failure(Code::Unavailable), None, random, &mut idle());
        assert_eq!(next, Next::RetryAfter(expected), "{random}");
    }
}

#[test]
fn the_first_attempt_counts_and_more_than_five_mean_five() {
    for (asked, most) in [(0, 1), (1, 1), (2, 2), (5, 5), (6, 5), (u32::MAX, 5)] {
        assert_eq!(policy(asked).max_attempts(), most, "{asked}");
    }
}

#[test]
fn an_attempt_knows_how_many_went_before() {
    let policy = policy(3);
    let mut attempts = Attempts::new(&policy);
    assert_eq!(attempts.previous(), 0);
    attempts.after(failure(Code::Unavailable), None, 0.5, &mut idle());
    assert_eq!(attempts.previous(), 1);
    attempts.after(failure(Code::Unavailable), None, 0.5, &mut idle());
    assert_eq!(attempts.previous(), 2);
    assert_eq!(attempts.after(failure(Code::Unavailable), None, 0.5, &mut idle()), Next::Fail);
    assert_eq!(attempts.previous(), 2, "no attempt is under way any more");
}

#[test]
fn other_codes_and_what_was_seen_are_final() {
    let policy = policy(5);
    for fatal in [failure(Code::Internal), Failure { committed: true, ..failure(Code::Unavailable) }] {
        let mut throttle = Throttle::new(10, 0.1);
        assert_eq!(Attempts::new(&policy).after(fatal, None, 0.5, &mut throttle), Next::Fail, "{fatal:?}");
        assert_eq!(throttle, Throttle::new(10, 0.1), "no sign of a server in trouble");
    }
}

#[test]
fn a_pushback_is_kept_to_the_millisecond_and_backoffs_start_anew() {
    let policy = policy(5);
    let mut attempts = Attempts::new(&policy);
    let mut after =
        |pushback| attempts.after(Failure { pushback, ..failure(Code::Unavailable) }, None, 0.5, &mut idle());
    assert_eq!(after(None), Next::RetryAfter(ms(100)));
    assert_eq!(after(None), Next::RetryAfter(ms(200)));
    assert_eq!(after(Some(Pushback::After(ms(7)))), Next::RetryAfter(ms(7)));
    assert_eq!(after(None), Next::RetryAfter(ms(100)));
}

#[test]
fn a_pushback_may_forbid_a_retry() {
    let policy = policy(5);
    let stop = Failure { pushback: Some(Pushback::Stop), ..failure(Code::Unavailable) };
    assert_eq!(Attempts::new(&policy).after(stop, None, 0.5, &mut idle()), Next::Fail);
}

#[test]
fn a_pushback_is_a_number_of_milliseconds_or_means_stop() {
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
fn a_backoff_that_the_deadline_cuts_off_is_not_slept() {
    let policy = policy(5);
    for (remaining, next) in [
        (ms(101), Next::RetryAfter(ms(100))),
        (ms(100), Next::OutOfTime { backoff: ms(100) }),
        (ms(0), Next::OutOfTime { backoff: ms(100) }),
    ] {
        let mut attempts = Attempts::new(&policy);
        assert_eq!(attempts.after(failure(Code::Unavailable), Some(remaining), 0.5, &mut idle()), next);
        assert_eq!(attempts.previous(), u32::from(matches!(next, Next::RetryAfter(_))));
    }
}

#[test]
fn with_half_of_its_tokens_gone_a_throttle_lets_nothing_be_tried_again() {
    let policy = policy(2);
    let mut throttle = Throttle::new(4, 0.5);
    let fail = |throttle: &mut Throttle| {
        Attempts::new(&policy).after(failure(Code::Unavailable), None, 0.5, throttle)
    };
    assert_eq!(fail(&mut throttle), Next::RetryAfter(ms(100)), "three of four are left");
    assert_eq!(fail(&mut throttle), Next::Fail, "two of four are half");
    throttle.on_success();
    assert!(throttle.allows_retries(), "two and a half are more");
    for _ in 0..100 {
        throttle.on_success();
    }
    assert_eq!(throttle, Throttle::new(4, 0.5), "never more than all");
}

proptest! {
    #[test]
    fn no_policy_makes_more_attempts_or_longer_waits_than_it_says(
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
                Next::RetryAfter(wait) => {
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
        let failed = Failure { pushback, ..failure(Code::Unavailable) };
        let next = Attempts::new(&policy).after(failed, Some(ms(remaining)), random, &mut idle());
        if let Next::RetryAfter(wait) = next {
            prop_assert!(wait < ms(remaining));
        }
    }

    #[test]
    fn no_pushback_panics(value in prop::collection::vec(any::<u8>(), 0..16)) {
        let _ = Pushback::parse(&value);
    }
}
