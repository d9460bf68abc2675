//! One attempt of a call.

use bytes::Bytes;
use drawbridge_core::headers::GRPC_TIMEOUT;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderValue, Response};
use tonic::Status;

use crate::attempt_response::AttemptResponse;
use crate::body_decoder::BodyDecoder;
use crate::body_reader::BodyReader;
use crate::cardinality::ResponseCardinality;
use crate::guard::CallGuard;
use crate::metadata;
use crate::network_error::{connection_broke, unreachable};
use crate::platform::{OutgoingRequest, Platform};
use crate::response_head::{ResponseHead, classify};

/// Sends a request once, with the time that is left as its timeout, and reads the response until it is known where its
/// status is.
pub(crate) async fn attempt<P: Platform>(
    guard: &CallGuard<P>,
    cardinality: ResponseCardinality,
    request: OutgoingRequest,
) -> Result<AttemptResponse<P>, Status> {
    let response = send(guard, request).await?;
    let (mut head, mut chunks) = response.into_parts();
    metadata::sanitize(&mut head.headers);
    let mut head_status = HeaderMap::new();
    let (form, first) = match classify(head.status, &head.headers)? {
        ResponseHead::Body(form) => (form, Bytes::new()),
        ResponseHead::Status => return Ok(AttemptResponse::trailers_only(head)),
        ResponseHead::StatusUnlessBody(form) => match first_chunk(guard, &mut chunks).await {
            Ok(Some(first)) => {
                head_status = metadata::take_status(&mut head.headers);
                (form, first)
            }
            end => {
                if let Err(malformed) = cardinality.check_end(0, &head.headers) {
                    // If the body failed, that is why the message is missing.
                    return Err(end.err().unwrap_or_else(|| malformed.into()));
                }
                return Ok(AttemptResponse::trailers_only(head));
            }
        },
    };
    let reader = BodyReader::new(chunks, BodyDecoder::new(form, cardinality), first, head_status)?;
    Ok(AttemptResponse::new(head, reader))
}

/// Sends a request, and waits for the head of its response.
async fn send<P: Platform>(
    guard: &CallGuard<P>,
    mut request: OutgoingRequest,
) -> Result<Response<P::Chunks>, Status> {
    guard.check()?;
    // Traced before the remaining time is read, so that the trace never shows less time than the server receives.
    guard.trace_attempt();
    if let Some(remaining) = guard.remaining() {
        let value = HeaderValue::try_from(remaining.to_string());
        let value = value.map_err(|error| Status::internal(error.to_string()))?;
        request.headers.insert(GRPC_TIMEOUT, value);
    }
    let in_flight = guard.platform().send(request);
    guard.set_abort(in_flight.abort);
    guard.run(in_flight.response).await?.map_err(|error| unreachable(guard.platform(), &error))
}

/// Waits for the first bytes of a body. Returns `None` if it ends without any, and an error if it fails or the call ends.
async fn first_chunk<P: Platform>(
    guard: &CallGuard<P>,
    chunks: &mut P::Chunks,
) -> Result<Option<Bytes>, Status> {
    while let Some(chunk) = guard.run(chunks.next()).await? {
        let chunk = chunk.map_err(|error| connection_broke(guard.platform(), &error))?;
        if !chunk.is_empty() {
            return Ok(Some(chunk));
        }
    }
    Ok(None)
}
