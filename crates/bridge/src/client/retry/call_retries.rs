//! The retries of one call: core's decisions, with a clock and the record of a call.

use std::time::{Duration, Instant};

use drawbridge_core::{Deadline, RetryDecision, RetryPolicy, RetryState, SharedThrottle, out_of_time};
use tonic::{Code, Status};

use crate::call::{Activity, ActivityKind, CallContext, now};
use crate::random;

/// The attempts of one call, within its deadline.
pub(crate) struct CallRetries<'a> {
    state: RetryState<'a>,
    /// The call that the attempts are made for. It records the backoffs, and its end ends a backoff.
    call: Option<&'a CallContext>,
    deadline: Option<Deadline<Instant>>,
    /// The method under which attempts are recorded. `None`: another layer records them.
    method: Option<&'a str>,
    /// The record of the current attempt.
    activity: Option<Activity>,
}

/// What follows an attempt.
pub(crate) enum AfterAttempt {
    /// Another attempt, now.
    Retry,
    /// The result of the attempt is that of the call.
    Return,
    /// The status of the call, whose deadline would pass before another attempt starts.
    OutOfTime(Status),
}

impl<'a> CallRetries<'a> {
    /// Starts with the first attempt.
    pub(crate) const fn new(
        policy: &'a RetryPolicy,
        throttle: &'a SharedThrottle,
        call: Option<&'a CallContext>,
        deadline: Option<Deadline<Instant>>,
    ) -> Self {
        Self { state: RetryState::new(policy, throttle), call, deadline, method: None, activity: None }
    }

    /// Records each attempt as a child call of this method, if there is more than one.
    #[cfg(feature = "upstream")]
    pub(crate) const fn record_attempts(mut self, method: &'a str) -> Self {
        self.method = Some(method);
        self
    }

    /// Returns how many attempts preceded the current one.
    pub(crate) const fn previous_attempts(&self) -> u32 {
        self.state.previous_attempts()
    }

    /// Decides what follows the current attempt, and waits for the backoff. `failure` is the status of a failed attempt.
    /// `committed`: the request cannot be sent again.
    ///
    /// The backoff ends early when the call ends. The next attempt is cancelled then before it is sent.
    pub(crate) async fn after_attempt(&mut self, failure: Option<&Status>, committed: bool) -> AfterAttempt {
        let Some(failure) = failure else {
            self.state.on_success();
            return AfterAttempt::Return;
        };
        let remaining = self.deadline.map(|deadline| deadline.remaining(now()).duration());
        let decision = self.state.after_failure(failure, committed, remaining, random::fraction());
        self.record_failure(failure.code(), decision);
        match decision {
            RetryDecision::RetryAfter(backoff) => {
                self.back_off(backoff).await;
                self.activity =
                    self.call.zip(self.method).map(|(call, method)| call.start(child(method, None)));
                AfterAttempt::Retry
            }
            RetryDecision::OutOfTime { backoff, remaining } => {
                // Recorded as a backoff that stopped when it started.
                drop(self.call.map(|call| call.start(ActivityKind::Backoff { planned: backoff })));
                AfterAttempt::OutOfTime(out_of_time(backoff, remaining, failure))
            }
            RetryDecision::Fail => AfterAttempt::Return,
        }
    }

    /// Takes the record of the current attempt, for what outlives the attempts: the body of its response.
    #[cfg(feature = "upstream")]
    pub(crate) fn take_activity(&mut self) -> Option<Activity> {
        self.activity.take()
    }

    /// Records the code of the current attempt. The first attempt is recorded only if it is not the only one.
    fn record_failure(&mut self, code: Code, decision: RetryDecision) {
        match (self.activity.take(), self.call.zip(self.method)) {
            (Some(activity), _) => activity.set_code(code),
            (None, Some((call, method))) if decision != RetryDecision::Fail => {
                call.record_past(child(method, Some(code)), call.opened());
            }
            (None, _) => {}
        }
    }

    async fn back_off(&self, planned: Duration) {
        let Some(call) = self.call else { return tokio::time::sleep(planned).await };
        let _backoff = call.start(ActivityKind::Backoff { planned });
        tokio::select! {
            // A call that has ended makes no further attempt.
            biased;
            _ = call.cancelled() => {}
            () = tokio::time::sleep(planned) => {}
        }
    }
}

fn child(method: &str, code: Option<Code>) -> ActivityKind {
    ActivityKind::Child { method: method.into(), code }
}
