//! The attempts of one call, with the throttle that it shares.

use std::time::Duration;

use tonic::Status;

use super::attempts::{Attempts, FailedAttempt, RetryDecision};
use super::policy::RetryPolicy;
use super::throttle::{SharedThrottle, Throttle};
use crate::status::code_name;

/// The retries of one call: its attempts, and the throttle that all calls to its server share.
///
/// ```
/// use drawbridge_core::{RetryDecision, RetryPolicy, RetryState, SharedThrottle, out_of_time};
/// use std::time::Duration;
/// use tonic::{Code, Status};
///
/// let (policy, throttle) = (RetryPolicy::new(3, [Code::Unavailable]), SharedThrottle::default());
/// let mut state = RetryState::new(&policy, &throttle);
/// let failure = Status::unavailable("no connection");
/// let remaining = Some(Duration::from_millis(150));
///
/// // The first backoff is 100 ms. The second is 160 ms, and 50 ms of the call remain.
/// assert_eq!(state.after_failure(&failure, false, remaining, 0.5), RetryDecision::RetryAfter(Duration::from_millis(100)));
/// assert_eq!(state.previous_attempts(), 1);
/// let RetryDecision::OutOfTime { backoff, remaining } =
///     state.after_failure(&failure, false, Some(Duration::from_millis(50)), 0.5) else { unreachable!() };
/// assert_eq!(out_of_time(backoff, remaining, &failure).code(), Code::DeadlineExceeded);
/// ```
#[derive(Debug)]
pub struct RetryState<'a> {
    attempts: Attempts<'a>,
    throttle: &'a SharedThrottle,
}

impl<'a> RetryState<'a> {
    /// Starts with the first attempt.
    pub const fn new(policy: &'a RetryPolicy, throttle: &'a SharedThrottle) -> Self {
        Self { attempts: Attempts::new(policy), throttle }
    }

    /// Returns how many attempts preceded the current one: the value of `grpc-previous-rpc-attempts`, which is not sent
    /// if it is 0.
    pub const fn previous_attempts(&self) -> u32 {
        self.attempts.previous()
    }

    /// Records that the current attempt succeeded: it began a response that is not a failure.
    pub fn on_success(&self) {
        self.throttle.with(Throttle::on_success);
    }

    /// Decides what to do after the current attempt failed with `status`, whose metadata may have a
    /// `grpc-retry-pushback-ms`. After [`RetryDecision::RetryAfter`], the retry is the current attempt.
    ///
    /// `committed` says that the call cannot be retried: its caller has received a part of the response, or the request
    /// cannot be sent again. `remaining` is the time that is left of the call, if it has a deadline. `random` is evenly
    /// distributed in 0..1.
    pub fn after_failure(
        &mut self,
        status: &Status,
        committed: bool,
        remaining: Option<Duration>,
        random: f64,
    ) -> RetryDecision {
        let failure = FailedAttempt::from_status(status).with_committed(committed);
        self.throttle.with(|throttle| self.attempts.after(failure, remaining, random, throttle))
    }
}

/// Returns the status of a call after [`RetryDecision::OutOfTime`]: `DEADLINE_EXCEEDED`, with a message that names the
/// backoff, the time that was left, and the failure of the last attempt.
pub fn out_of_time(backoff: Duration, remaining: Duration, last: &Status) -> Status {
    let in_ms = |time: Duration| Duration::new(time.as_secs(), time.subsec_millis() * 1_000_000);
    Status::deadline_exceeded(format!(
        "the next attempt would start in {:?}, but the deadline is in {:?}; the last one failed with {}: {}",
        in_ms(backoff),
        in_ms(remaining),
        code_name(last.code()),
        last.message()
    ))
}
