//! The attempts of one call, by gRFC A6.

use drawbridge_core::headers::GRPC_PREVIOUS_RPC_ATTEMPTS;
use drawbridge_core::status::failure_in;
use drawbridge_core::{RetryDecision, RetryPolicy, RetryState, SharedThrottle, Timeout, out_of_time};
use http::HeaderValue;
use tonic::Status;

use crate::attempt::attempt;
use crate::attempt_response::AttemptResponse;
use crate::cardinality::ResponseCardinality;
use crate::cause::Cause;
use crate::guard::CallGuard;
use crate::platform::{OutgoingRequest, Platform};
use crate::trace::Backoff;

/// Makes attempts until one responds with a message or success, or its failure is not retried. Returns the response of
/// the last attempt.
pub(crate) async fn attempts<P: Platform>(
    guard: &CallGuard<P>,
    cardinality: ResponseCardinality,
    policy: &RetryPolicy,
    throttle: &SharedThrottle,
    mut request: OutgoingRequest,
) -> Result<AttemptResponse<P>, Status> {
    let mut state = RetryState::new(policy, throttle);
    loop {
        let previous = state.previous_attempts();
        if previous > 0 {
            request.headers.insert(GRPC_PREVIOUS_RPC_ATTEMPTS, HeaderValue::from(previous));
        }
        let result = committed_attempt(guard, cardinality, request.clone()).await;
        let Some(status) = failure_of(&result) else {
            state.on_success();
            return result;
        };
        // A call that was ended on this side is not retried, also if its status is one that the policy retries.
        if guard.is_ended() {
            return result;
        }
        let remaining = guard.remaining().map(Timeout::duration);
        match state.after_failure(&status, false, remaining, guard.platform().random()) {
            RetryDecision::Fail => return result,
            RetryDecision::OutOfTime { backoff, remaining } => {
                guard.trace_failure(&status, Backoff::new(backoff).skipped());
                let status = out_of_time(backoff, remaining, &status);
                return Err(Cause::NoTimeToRetry.status(status.code(), status.message()));
            }
            RetryDecision::RetryAfter(backoff) => {
                guard.trace_failure(&status, Backoff::new(backoff));
                guard.abort_request();
                drop(result);
                guard.sleep(backoff).await?;
            }
        }
    }
}

/// Makes one attempt, and reads its response until the call is committed to it.
async fn committed_attempt<P: Platform>(
    guard: &CallGuard<P>,
    cardinality: ResponseCardinality,
    request: OutgoingRequest,
) -> Result<AttemptResponse<P>, Status> {
    let mut response = attempt(guard, cardinality, request).await?;
    response.read_first(guard).await?;
    Ok(response)
}

/// Returns the failure of an attempt, if it failed before its first message.
fn failure_of<P: Platform>(result: &Result<AttemptResponse<P>, Status>) -> Option<Status> {
    match result {
        Ok(response) => response.trailers().and_then(failure_in),
        Err(status) => Some(status.clone()),
    }
}
