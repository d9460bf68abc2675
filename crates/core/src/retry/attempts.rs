//! The decision after a failed attempt.

use std::time::Duration;

use tonic::{Code, Status};

use super::policy::RetryPolicy;
use super::pushback::Pushback;
use super::throttle::Throttle;
use crate::headers::GRPC_RETRY_PUSHBACK_MS;

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedAttempt {
    /// The code of its status.
    pub code: Code,
    /// The server's `grpc-retry-pushback-ms`, if it sent one.
    pub pushback: Option<Pushback>,
    /// Whether the call is committed to this attempt: its caller has received a part of the response, or the request
    /// cannot be sent again. A committed call is never retried.
    pub committed: bool,
}

impl FailedAttempt {
    /// Returns a failure with this code, of a call that is not committed.
    pub fn new(code: Code) -> Self {
        Self { code, pushback: None, committed: false }
    }

    /// Returns the failure with this status, of a call that is not committed. The pushback is read from its metadata.
    pub fn from_status(status: &Status) -> Self {
        let pushback = status.metadata().as_ref().get(GRPC_RETRY_PUSHBACK_MS);
        let pushback = pushback.map(|value| Pushback::parse(value.as_bytes()));
        Self { pushback, ..Self::new(status.code()) }
    }

    /// Sets the server's pushback.
    #[must_use]
    pub fn with_pushback(mut self, pushback: Option<Pushback>) -> Self {
        self.pushback = pushback;
        self
    }

    /// Sets whether the call is committed to this attempt.
    #[must_use]
    pub fn with_committed(mut self, committed: bool) -> Self {
        self.committed = committed;
        self
    }
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// Make another attempt after this long.
    RetryAfter(Duration),
    /// End the call with `DEADLINE_EXCEEDED` now: its deadline would pass before the next attempt starts.
    /// [`out_of_time`](crate::out_of_time) returns the status.
    OutOfTime {
        /// How long the backoff before the next attempt would have been.
        backoff: Duration,
        /// How much time of the call remains.
        remaining: Duration,
    },
    /// Fail the call with the failure of the last attempt.
    Fail,
}

/// The attempts of one call, counted.
#[derive(Clone, Debug)]
pub struct Attempts<'policy> {
    policy: &'policy RetryPolicy,
    /// How many have been made, the current one included.
    made: u32,
    /// How many backoffs there were since the start, or since the last pushback.
    backoffs: u32,
}

impl<'policy> Attempts<'policy> {
    /// Starts with the first attempt.
    pub const fn new(policy: &'policy RetryPolicy) -> Self {
        Self { policy, made: 1, backoffs: 0 }
    }

    /// Returns how many attempts preceded the current one: the value of `grpc-previous-rpc-attempts`, which is not sent
    /// if it is 0.
    pub const fn previous(&self) -> u32 {
        self.made - 1
    }

    /// Decides what to do after the failure of the current attempt. After [`RetryDecision::RetryAfter`], the retry is the
    /// current attempt.
    ///
    /// `remaining` is the time that is left of the call, if it has a deadline. `random` is evenly distributed in 0..1.
    /// `throttle` is the one of all calls to the server.
    pub fn after(
        &mut self,
        failure: FailedAttempt,
        remaining: Option<Duration>,
        random: f64,
        throttle: &mut Throttle,
    ) -> RetryDecision {
        if failure.committed || !self.policy.retries(failure.code) {
            return RetryDecision::Fail;
        }
        throttle.on_failure();
        if failure.pushback == Some(Pushback::Stop)
            || self.made >= self.policy.max_attempts()
            || !throttle.allows_retries()
        {
            return RetryDecision::Fail;
        }
        let backoff = if let Some(Pushback::After(exactly)) = failure.pushback {
            self.backoffs = 0;
            exactly
        } else {
            let backoff = self.policy.backoff(self.backoffs, random);
            self.backoffs += 1;
            backoff
        };
        if let Some(remaining) = remaining.filter(|remaining| backoff >= *remaining) {
            return RetryDecision::OutOfTime { backoff, remaining };
        }
        self.made += 1;
        RetryDecision::RetryAfter(backoff)
    }
}
