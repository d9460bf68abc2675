//! One attempt at a call.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderValue, Response};
use tonic::{Code, Status};

use crate::answer::Answer;
use crate::arity::Arity;
use crate::cause::Cause;
use crate::decoder::Decoder;
use crate::head::{self, Head};
use crate::host::{Failure, Host, Outgoing};
use crate::lifeline::Lifeline;
use crate::metadata;
use crate::reader::{Reader, broken};

/// Sends a request once, stamped with what is left of the time, and reads as much of the answer as it takes to know
/// what it is.
pub(crate) async fn attempt<H: Host>(
    life: &Lifeline<H>,
    arity: Arity,
    request: Outgoing,
) -> Result<Answer<H>, Status> {
    let answer = send(life, request).await?;
    let (mut head, mut chunks) = answer.into_parts();
    metadata::tidy(&mut head.headers);
    let (form, first) = match head::judge(head.status, &head.headers)? {
        Head::Body(form) => (form, Bytes::new()),
        Head::Status => return Ok(Answer::all_in(head)),
        Head::StatusUnlessBody(form) => match first_chunk(life, &mut chunks).await {
            Ok(Some(first)) => {
                metadata::strip_status(&mut head.headers);
                (form, first)
            }
            end => {
                if let Err(malformed) = arity.check_verdict(0, &head.headers) {
                    // A message may be missing because what should have brought it has broken off.
                    return Err(end.err().unwrap_or_else(|| malformed.into()));
                }
                return Ok(Answer::all_in(head));
            }
        },
    };
    Ok(Answer::new(head, Reader::new(chunks, Decoder::new(form, arity), first)?))
}

/// Sends a request, and waits for the head of its answer.
async fn send<H: Host>(life: &Lifeline<H>, mut request: Outgoing) -> Result<Response<H::Chunks>, Status> {
    life.check()?;
    // Before the time that is left is read, lest what the trace tells of it be less than what the server was told.
    life.note_attempt();
    if let Some(remaining) = life.remaining() {
        let value = HeaderValue::try_from(remaining.to_string());
        let value = value.map_err(|error| Status::internal(error.to_string()))?;
        request.headers.insert(drawbridge_core::headers::GRPC_TIMEOUT, value);
    }
    let attempt = life.host().send(request);
    life.arm(attempt.abort);
    life.race(attempt.opening).await?.map_err(|failure| unreachable(life.host(), &failure))
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
