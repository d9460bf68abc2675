//! The attempts at one call, as gRFC A6 has them.

use drawbridge_core::headers::GRPC_PREVIOUS_RPC_ATTEMPTS;
use drawbridge_core::status::failure_in;
use drawbridge_core::{RetryDecision, RetryPolicy, RetryState, SharedThrottle, Timeout, out_of_time};
use http::HeaderValue;
use tonic::Status;

use crate::answer::Answer;
use crate::arity::Arity;
use crate::attempt::attempt;
use crate::host::{Host, Outgoing};
use crate::lifeline::Lifeline;
use crate::{Backoff, Cause};

/// Makes attempts until one is answered with a message or succeeds, or fails for good. What is returned is the last one's
/// answer, just as if it had been the only one.
pub(crate) async fn answer<H: Host>(
    life: &Lifeline<H>,
    arity: Arity,
    policy: &RetryPolicy,
    throttle: &SharedThrottle,
    mut request: Outgoing,
) -> Result<Answer<H>, Status> {
    let mut state = RetryState::new(policy, throttle);
    loop {
        let previous = state.previous_attempts();
        if previous > 0 {
            request.headers.insert(GRPC_PREVIOUS_RPC_ATTEMPTS, HeaderValue::from(previous));
        }
        let outcome = read_attempt(life, arity, request.clone()).await;
        let Some(status) = failure_of(&outcome) else {
            state.on_success();
            return outcome;
        };
        // Whatever this side has ended is over, also where it looks like a failure that could be tried again.
        if life.is_ended() {
            return outcome;
        }
        let remaining = life.remaining().map(Timeout::duration);
        match state.after_failure(&status, false, remaining, life.host().random()) {
            RetryDecision::Fail => return outcome,
            RetryDecision::OutOfTime { backoff, remaining } => {
                life.note_failure(&status, Backoff { planned: backoff, skipped: true });
                let status = out_of_time(backoff, remaining, &status);
                return Err(Cause::NoTimeToRetry.status(status.code(), status.message()));
            }
            RetryDecision::RetryAfter(backoff) => {
                life.note_failure(&status, Backoff { planned: backoff, skipped: false });
                life.disarm();
                drop(outcome);
                life.sleep(backoff).await?;
            }
        }
    }
}

/// Makes one attempt, and reads its answer up to where nothing can be taken back.
async fn read_attempt<H: Host>(
    life: &Lifeline<H>,
    arity: Arity,
    request: Outgoing,
) -> Result<Answer<H>, Status> {
    let mut answer = attempt(life, arity, request).await?;
    answer.read_ahead(life).await?;
    Ok(answer)
}

/// Returns how an attempt failed, if it did so before its first message.
fn failure_of<H: Host>(outcome: &Result<Answer<H>, Status>) -> Option<Status> {
    match outcome {
        Ok(answer) => answer.verdict().and_then(failure_in),
        Err(status) => Some(status.clone()),
    }
}
