//! One call, from request to the head of its answer.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;
use tonic::{Code, Status};

use crate::body::Body;
use crate::cause::Cause;
use crate::head;
use crate::host::{Failure, Host, Outgoing};
use crate::lifeline::Lifeline;
use crate::metadata::{self, GRPC_STATUS};

/// Makes a call: gathers its request, which a browser cannot stream, and sends it until there is an answer.
///
/// A call is more than an attempt at it. The lifeline spans the whole of it, and each attempt is stamped with what
/// is left of the time.
pub(crate) async fn call<H: Host>(
    life: Lifeline<H>,
    request: Request<tonic::body::Body>,
) -> Result<Response<Body<H>>, Status> {
    let (parts, body) = request.into_parts();
    let body = life.race(body.collect()).await??.to_bytes();
    let mut outgoing = Outgoing { path: parts.uri.path().to_owned(), headers: parts.headers, body };
    metadata::outgoing(&mut outgoing.headers);
    attempt(life, outgoing).await
}

/// Sends a request once and waits for the head of the answer.
async fn attempt<H: Host>(mut life: Lifeline<H>, mut request: Outgoing) -> Result<Response<Body<H>>, Status> {
    if let Some(remaining) = life.remaining() {
        let value = HeaderValue::try_from(remaining.to_string());
        request
            .headers
            .insert(drawbridge_call::GRPC_TIMEOUT, value.map_err(|e| Status::internal(e.to_string()))?);
    }
    let attempt = life.host().send(request);
    life.arm(attempt.abort);
    let opened = life.race(attempt.opening).await?;
    let (mut parts, mut chunks) = opened.map_err(|failure| unreachable(life.host(), &failure))?.into_parts();
    metadata::tidy(&mut parts.headers);

    let form = head::judge(parts.status, &parts.headers);
    let mut first = Bytes::new();
    if let Some(status) = parts.headers.get(GRPC_STATUS) {
        // An answer of trailers only has its status in the head. What a body says goes before it.
        let is_ok = status == "0";
        match form {
            Err(refused) if is_ok => {
                life.abandon();
                return Err(refused);
            }
            Err(_) => {}
            Ok(_) => first = first_chunk(&life, &mut chunks).await,
        }
        if first.is_empty() {
            life.abandon();
            return Ok(Response::from_parts(parts, Body::empty()));
        }
        metadata::strip_status(&mut parts.headers);
    }
    let body = form.and_then(|form| Ok(Body::new(life, chunks, form, first)?))?;
    Ok(Response::from_parts(parts, body))
}

/// Waits for the first bytes of a body. Returns none if it ends or breaks before, or the call does.
async fn first_chunk<H: Host>(life: &Lifeline<H>, chunks: &mut H::Chunks) -> Bytes {
    while let Ok(Some(Ok(chunk))) = life.race(chunks.next()).await {
        if !chunk.is_empty() {
            return chunk;
        }
    }
    Bytes::new()
}

fn unreachable<H: Host>(host: &H, Failure(words): &Failure) -> Status {
    let offline = host.offline();
    let suffix = if offline { "; the browser is offline" } else { "" };
    let message = format!("the server could not be reached: {words}{suffix}");
    Cause::Unreachable { offline }.status(Code::Unavailable, message)
}
