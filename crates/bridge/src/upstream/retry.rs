//! Makes the attempts at a forwarded call that may be tried again.

use drawbridge_core::status::failure_in;
use drawbridge_core::{RetryDecision, RetryPolicy};
use http::Response;
use tonic::body::Body;

use super::failure::Failure;
use super::forward::Call;
use super::headers;
use crate::call::{Activity, ActivityKind, CallContext};
use crate::client::{CallRetries, on_record};

/// Sends a call as often as the policy has it, and returns the answer of the last attempt.
///
/// What an upstream refuses without looking at it is sent again within the attempt. An upstream that cannot be reached,
/// or is lost before it answers, counts as the code that its caller would get, and so does an answer that is no gRPC:
/// nothing of it has reached the caller.
pub(super) async fn by_policy(mut call: Call, policy: &RetryPolicy) -> Result<Response<Body>, Failure> {
    let (pool, context) = (call.pool.clone(), call.context.clone());
    let deadline = context.as_ref().and_then(CallContext::deadline);
    let mut retries = CallRetries::new(policy, &pool.throttle, context.as_ref(), deadline);
    let kind = |uri: &http::Uri, code| ActivityKind::Child { method: uri.path().into(), code };
    // The attempt under way, on the call's record. The first one is noted only where another follows.
    let mut activity: Option<Activity> = None;
    loop {
        let result = call.send().await;
        let failed = match &result {
            Ok(answer) => failure_in(answer.headers()),
            Err(failure) => Some(failure.status()),
        };
        let Some(failed) = failed else {
            retries.on_success();
            return result.map(|answer| on_record(answer, activity));
        };
        let next = retries.after_failure(&failed, !call.upload.is_whole());
        match (activity.take(), &context) {
            (Some(activity), _) => activity.set_code(failed.code()),
            (None, Some(context)) if next != RetryDecision::Fail => {
                context.record_past(kind(&call.uri, Some(failed.code())), context.opened());
            }
            (None, _) => {}
        }
        match next {
            RetryDecision::RetryAfter(backoff) => retries.back_off(backoff).await,
            RetryDecision::OutOfTime { backoff, remaining } => {
                return Ok(retries.out_of_time(backoff, remaining, &failed).into_http());
            }
            RetryDecision::Fail => return result,
        }
        if !call.rewind() {
            return result;
        }
        headers::count(&mut call.headers, context.as_ref(), retries.previous_attempts());
        activity = context.as_ref().map(|context| context.start(kind(&call.uri, None)));
    }
}
