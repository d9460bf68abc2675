//! One call, from its request to the body of its answer.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use tonic::{Code, Status};

use crate::arity::Arity;
use crate::body::{Body, broken};
use crate::cause::Cause;
use crate::decoder::Decoder;
use crate::head::{self, Head};
use crate::host::{Failure, Host, Outgoing};
use crate::lifeline::Lifeline;
use crate::metadata;

/// Makes a call: gathers its request, which a browser cannot stream, sends it, and reads as much of the answer as it
/// takes to know what it is.
///
/// A call is more than an attempt at it. The lifeline spans the whole of it, and each attempt is stamped with what
/// is left of the time then.
pub(crate) async fn call<H: Host>(
    life: Lifeline<H>,
    arity: Arity,
    request: Request<tonic::body::Body>,
) -> Result<Response<Body<H>>, Status> {
    let (parts, body) = request.into_parts();
    let body = life.race(body.collect()).await??.to_bytes();
    let mut outgoing = Outgoing { path: parts.uri.path().to_owned(), headers: parts.headers, body };
    metadata::outgoing(&mut outgoing.headers);
    let answer = attempt(&life, outgoing).await?;
    respond(life, arity, answer).await
}

/// Sends a request once, and waits for the head of the answer.
async fn attempt<H: Host>(life: &Lifeline<H>, mut request: Outgoing) -> Result<Response<H::Chunks>, Status> {
    life.check()?;
    if let Some(remaining) = life.remaining() {
        let value = HeaderValue::try_from(remaining.to_string());
        let value = value.map_err(|error| Status::internal(error.to_string()))?;
        request.headers.insert(drawbridge_call::GRPC_TIMEOUT, value);
    }
    let attempt = life.host().send(request);
    life.arm(attempt.abort);
    life.race(attempt.opening).await?.map_err(|failure| unreachable(life.host(), &failure))
}

/// Makes of an answer what tonic reads. One that is all in its head gets an empty body, and what may still come of it
/// is let go with its lifeline.
async fn respond<H: Host>(
    life: Lifeline<H>,
    arity: Arity,
    answer: Response<H::Chunks>,
) -> Result<Response<Body<H>>, Status> {
    let (mut parts, mut chunks) = answer.into_parts();
    metadata::tidy(&mut parts.headers);
    let (form, first) = match head::judge(parts.status, &parts.headers)? {
        Head::Body(form) => (form, Bytes::new()),
        Head::Status => return Ok(Response::from_parts(parts, Body::empty())),
        Head::StatusUnlessBody(form) => match first_chunk(&life, &mut chunks).await {
            Ok(Some(first)) => {
                metadata::strip_status(&mut parts.headers);
                (form, first)
            }
            end => {
                if let Err(malformed) = arity.check_verdict(0, &parts.headers) {
                    // A message may be missing because what should have brought it has broken off.
                    return Err(end.err().unwrap_or_else(|| malformed.into()));
                }
                return Ok(Response::from_parts(parts, Body::empty()));
            }
        },
    };
    Ok(Response::from_parts(parts, Body::new(life, chunks, Decoder::new(form, arity), first)?))
}

/// Waits for the first bytes of a body. Returns none if it ends without any, and fails if it breaks or the call ends.
async fn first_chunk<H: Host>(life: &Lifeline<H>, chunks: &mut H::Chunks) -> Result<Option<Bytes>, Status> {
    while let Some(chunk) = life.race(chunks.next()).await? {
        let chunk = chunk.map_err(|failure| broken(life.host(), &failure))?;
        if !chunk.is_empty() {
            return Ok(Some(chunk));
        }
    }
    Ok(None)
}

fn unreachable<H: Host>(host: &H, Failure(words): &Failure) -> Status {
    let offline = host.offline();
    let suffix = if offline { "; the browser is offline" } else { "" };
    let message = format!("the server could not be reached: {words}{suffix}");
    Cause::Unreachable { offline }.status(Code::Unavailable, message)
}
