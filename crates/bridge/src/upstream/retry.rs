//! Makes the attempts of a forwarded call that has a retry policy.

use drawbridge_core::RetryPolicy;
use drawbridge_core::status::failure_in;
use http::Response;
use tonic::body::Body;

use super::failure::Failure;
use super::forwarded_call::ForwardedCall;
use super::headers;
use crate::call::CallContext;
use crate::client::{AfterAttempt, CallRetries, record_response};

/// Sends a call until an attempt succeeds or the policy allows no retry, and returns the response of the last attempt.
///
/// Transparent retries are part of one attempt. An upstream that cannot be reached or that fails before it responds, and a
/// response that is not gRPC, count as the code that the caller would receive.
pub(super) async fn send_with_retries(
    mut call: ForwardedCall,
    policy: &RetryPolicy,
) -> Result<Response<Body>, Failure> {
    let (pool, context, uri) = (call.pool.clone(), call.context.clone(), call.uri.clone());
    let deadline = context.as_ref().and_then(CallContext::deadline);
    let mut retries =
        CallRetries::new(policy, &pool.throttle, context.as_ref(), deadline).record_attempts(uri.path());
    loop {
        let result = call.send().await;
        let failure = match &result {
            Ok(response) => failure_in(response.headers()),
            Err(failure) => Some(failure.status()),
        };
        let is_final = matches!(&result, Err(failure) if failure.is_final());
        match retries.after_attempt(failure.as_ref(), is_final || !call.request_body.can_rewind()).await {
            AfterAttempt::Retry if call.rewind() => {
                let previous = retries.previous_attempts();
                headers::set_previous_attempts(&mut call.headers, context.as_ref(), previous);
            }
            AfterAttempt::Retry | AfterAttempt::Return => {
                return result.map(|response| record_response(response, retries.take_activity()));
            }
            AfterAttempt::OutOfTime(status) => return Ok(status.into_http()),
        }
    }
}
