//! One call, from its request to the body of its answer.

use drawbridge_core::SharedThrottle;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tonic::Status;

use crate::CallOptions;
use crate::answer::Answer;
use crate::attempt::attempt;
use crate::body::Body;
use crate::host::{Host, Outgoing};
use crate::lifeline::Lifeline;
use crate::metadata;
use crate::retry;

/// Makes a call: gathers its request, which a browser cannot stream, sends it, again where its policy says so, and reads
/// as much of the answer as it takes to know what it is.
///
/// A call is more than an attempt at it. The lifeline spans the whole of it, and each attempt is stamped with what
/// is left of the time then.
pub(crate) async fn call<H: Host>(
    life: Lifeline<H>,
    options: CallOptions,
    throttle: SharedThrottle,
    request: Request<tonic::body::Body>,
) -> Result<Response<Body<H>>, Status> {
    match answer(&life, &options, &throttle, request).await {
        Ok(answer) => Ok(answer.into_response(life)),
        Err(status) => {
            life.note_end(&status);
            Err(status)
        }
    }
}

async fn answer<H: Host>(
    life: &Lifeline<H>,
    options: &CallOptions,
    throttle: &SharedThrottle,
    request: Request<tonic::body::Body>,
) -> Result<Answer<H>, Status> {
    let (parts, body) = request.into_parts();
    let body = life.race(body.collect()).await??.to_bytes();
    let mut outgoing = Outgoing { path: parts.uri.path().to_owned(), headers: parts.headers, body };
    metadata::outgoing(&mut outgoing.headers);
    match options.retry_policy() {
        Some(policy) => retry::answer(life, options.arity(), policy, throttle, outgoing).await,
        None => attempt(life, options.arity(), outgoing).await,
    }
}
