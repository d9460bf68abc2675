//! The retries of one call: core's decisions, with a clock and the record of the call that the attempts serve.

use std::time::{Duration, Instant};

use drawbridge_core::{Deadline, RetryDecision, RetryPolicy, RetryState, SharedThrottle, out_of_time};
use tonic::Status;

use crate::call::{ActivityKind, CallContext, now};
use crate::random;

/// The retries of one call, within its deadline.
pub(crate) struct CallRetries<'a> {
    state: RetryState<'a>,
    /// The call that the attempts serve. It records their backoffs, and its end ends them.
    call: Option<&'a CallContext>,
    deadline: Option<Deadline<Instant>>,
}

impl<'a> CallRetries<'a> {
    /// Starts with the first attempt.
    pub(crate) fn new(
        policy: &'a RetryPolicy,
        throttle: &'a SharedThrottle,
        call: Option<&'a CallContext>,
        deadline: Option<Deadline<Instant>>,
    ) -> Self {
        Self { state: RetryState::new(policy, throttle), call, deadline }
    }

    /// Returns how many attempts preceded the current one.
    pub(crate) fn previous_attempts(&self) -> u32 {
        self.state.previous_attempts()
    }

    /// Records that the current attempt has begun a response that is no failure.
    pub(crate) fn on_success(&self) {
        self.state.on_success();
    }

    /// Decides what follows from the failure of the current attempt. `committed`: the request cannot be sent again.
    pub(crate) fn after_failure(&mut self, failure: &Status, committed: bool) -> RetryDecision {
        let remaining = self.deadline.map(|deadline| deadline.remaining(now()).duration());
        self.state.after_failure(failure, committed, remaining, random::fraction())
    }

    /// Waits before the next attempt, or until the call has ended, which ends that attempt before it is sent.
    pub(crate) async fn back_off(&self, planned: Duration) {
        let Some(call) = self.call else { return tokio::time::sleep(planned).await };
        let _backoff = call.start(ActivityKind::Backoff { planned });
        tokio::select! {
            () = tokio::time::sleep(planned) => {}
            _ = call.cancelled() => {}
        }
    }

    /// Returns the status of a call whose next attempt would start after its deadline.
    pub(crate) fn out_of_time(&self, backoff: Duration, remaining: Duration, last: &Status) -> Status {
        // Recorded as a backoff that stopped when it started.
        drop(self.call.map(|call| call.start(ActivityKind::Backoff { planned: backoff })));
        out_of_time(backoff, remaining, last)
    }
}
