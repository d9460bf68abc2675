//! One call, from its request to the body of its response.

use drawbridge_core::SharedThrottle;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tonic::Status;

use crate::attempt::attempt;
use crate::attempt_response::AttemptResponse;
use crate::call_body::CallBody;
use crate::call_options::CallOptions;
use crate::guard::CallGuard;
use crate::metadata;
use crate::platform::{OutgoingRequest, Platform};
use crate::retry;

/// Makes a call: collects its request, which browsers cannot stream, and makes one or more attempts.
///
/// The guard covers all attempts. Each attempt sends the time that is left of the call.
pub(crate) async fn call<P: Platform>(
    guard: CallGuard<P>,
    options: CallOptions,
    throttle: SharedThrottle,
    request: Request<tonic::body::Body>,
) -> Result<Response<CallBody<P>>, Status> {
    match respond(&guard, &options, &throttle, request).await {
        Ok(response) => Ok(response.into_response(guard)),
        Err(status) => {
            guard.trace_end(&status);
            Err(status)
        }
    }
}

async fn respond<P: Platform>(
    guard: &CallGuard<P>,
    options: &CallOptions,
    throttle: &SharedThrottle,
    request: Request<tonic::body::Body>,
) -> Result<AttemptResponse<P>, Status> {
    let (parts, body) = request.into_parts();
    let body = guard.run(body.collect()).await??.to_bytes();
    let mut outgoing = OutgoingRequest {
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body,
        fetch: *options.fetch(),
    };
    metadata::to_grpc_web(&mut outgoing.headers);
    match options.retry_policy() {
        Some(policy) => retry::attempts(guard, options.cardinality(), policy, throttle, outgoing).await,
        None => attempt(guard, options.cardinality(), outgoing).await,
    }
}
