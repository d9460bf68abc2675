//! Sends a call to its upstream, and makes the upstream's response that of the call.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use drawbridge_core::headers::GRPC_STATUS;
use h2::SendStream;
use h2::client::ResponseFuture;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version, header};
use tonic::Status;
use tonic::body::Body;

use super::failure::{Failure, was_refused};
use super::head_size;
use super::headers;
use super::health::{Health, Outcome};
use super::lease::{Lease, Stage};
use super::pool::Pool;
use super::report::outcome_of;
use super::request_body::{RequestBody, SendError};
use super::response_body::ResponseBody;
use crate::call::{CallContext, now};

/// How many times a call is sent, if upstreams refuse it without processing it.
const MAX_SENDS: usize = 3;

/// How many connections a call tries that accept no more streams, before it fails.
const MAX_CLOSED_CONNECTIONS: usize = 16;

/// How many bytes of the request are buffered for a call without a retry policy. A call that an upstream refused without
/// processing it is sent again (a transparent retry, in the terms of
/// [gRFC A6](https://github.com/grpc/proposal/blob/master/A6-client-retries.md)).
pub(super) const TRANSPARENT_RETRY_BYTES: usize = 64 * 1024;

/// A call to forward: what each attempt sends.
pub(super) struct ForwardedCall {
    pub(super) pool: Arc<Pool>,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) request_body: RequestBody,
    /// `None` for an internal call.
    pub(super) context: Option<CallContext>,
    /// The address of the last attempt, which the next one avoids.
    pub(super) tried: Option<Arc<Health>>,
}

impl ForwardedCall {
    /// Creates an internal call: one that the bridge itself makes.
    pub(super) fn internal(pool: Arc<Pool>, request: Request<Body>) -> Self {
        let (head, body) = request.into_parts();
        Self {
            pool,
            uri: head.uri,
            headers: head.headers,
            request_body: RequestBody::new(body, TRANSPARENT_RETRY_BYTES, u32::MAX),
            context: None,
            tried: None,
        }
    }

    /// Sends the call until an upstream has processed it, and returns the response.
    pub(super) async fn send(&mut self) -> Result<Response<Body>, Failure> {
        let (mut sends, mut closed_connections) = (1, 0);
        loop {
            let deadline = || self.context.as_ref()?.deadline().map(|deadline| deadline.at());
            let mut lease = Lease::acquire(&self.pool, self.tried.as_ref(), deadline).await?;
            if let Some(context) = &self.context {
                headers::set_timeout(&mut self.headers, context);
            }
            if let Some(limit) = lease.connection().max_header_list_size {
                // Sent to an upstream that does not accept it, it might cost the calls of others on the connection.
                head_size::check_request(&self.headers, lease.authority(), &self.uri, limit as usize)
                    .map_err(|failure| failure.at(lease.authority()))?;
            }
            let request = request_to(&lease, &self.uri, self.headers.clone());
            // The clone of the sender is dropped at once: it refers to the stream as well.
            let sent = lease.connection().sender.clone().send_request(request, self.request_body.is_empty());
            let (response, mut stream) = match sent {
                Ok(sent) => sent,
                Err(error) => {
                    // The upstream sent GOAWAY. Nothing was sent, so the call takes another connection.
                    self.pool.retire(lease.connection());
                    closed_connections += 1;
                    if closed_connections == MAX_CLOSED_CONNECTIONS {
                        return Err(lease.failed(&error));
                    }
                    continue;
                }
            };
            lease.stage = Stage::Sent;
            self.context
                .as_ref()
                .inspect(|call| call.sent_to(self.pool.names(), lease.connection().upstream));
            match receive_head(response, &mut stream, &mut self.request_body).await {
                Ok(response) => {
                    let began = self.context.as_ref().map(CallContext::response_began);
                    return self.begin_response(response, stream, lease, began);
                }
                Err(ExchangeError::Request(status)) => return Ok(status.into_http()),
                Err(ExchangeError::Upstream(error)) => {
                    lease.stage = Stage::Finished;
                    let failure = lease.failed(&error);
                    self.tried = lease.health();
                    if !was_refused(&error) || sends == MAX_SENDS || !self.rewind() {
                        return Err(failure);
                    }
                }
            }
            sends += 1;
        }
    }

    /// Makes the head of an upstream's response that of the call.
    fn begin_response(
        &mut self,
        response: Response<h2::RecvStream>,
        mut stream: SendStream<Bytes>,
        mut lease: Lease,
        began: Option<Instant>,
    ) -> Result<Response<Body>, Failure> {
        lease.connection().note_received();
        let (mut head, body) = response.into_parts();
        let has_status = head.headers.contains_key(GRPC_STATUS);
        let has_ended = body.is_end_stream();
        lease.stage = if has_ended { Stage::Finished } else { Stage::Responding };
        if !has_status && head.status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE {
            return Err(head_size::refused_request(&self.headers, lease.authority(), &self.uri));
        }
        if !has_status && (head.status != StatusCode::OK || !is_grpc(&head.headers)) {
            lease.ended(if head.status.is_server_error() { Outcome::Failed } else { Outcome::Succeeded });
            self.tried = lease.health();
            return Err(Failure::from_http_status(lease.authority(), head.status));
        }
        if has_status || has_ended {
            // A failed response says nothing of how long the address takes.
            let outcome = outcome_of(head.headers.get(GRPC_STATUS));
            if outcome != Outcome::Failed {
                lease.answered(|| began.unwrap_or_else(now));
            }
            lease.ended(outcome);
            self.tried = lease.health();
        } else {
            lease.answered(|| began.unwrap_or_else(now));
        }
        head_size::check_response("headers", &head.headers)
            .map_err(|failure| failure.at(lease.authority()))?;
        headers::prepare_response(&mut head.headers);
        head.status = StatusCode::OK;
        head.version = Version::default();
        if has_ended {
            if !has_status {
                return Err(Failure::missing_status(lease.authority()));
            }
            return Ok(Response::from_parts(head, Body::empty()));
        }
        // A response that is not trailers-only has its status in its trailers.
        if has_status {
            headers::remove_status(&mut head.headers);
        }
        self.request_body.commit();
        let request_task = (!self.request_body.is_finished()).then(|| {
            let mut request_body = self.request_body.take();
            // A task of its own: the response is not polled while its caller does not read, and the caller may write before
            // it reads.
            tokio::spawn(async move {
                match poll_fn(|cx| request_body.poll_send(cx, &mut stream)).await {
                    Err(SendError::Refused(status)) => Some(status),
                    // The end of the response, or the caller's disconnect, ends the call.
                    Ok(()) | Err(SendError::StreamClosed | SendError::Broken(_)) => None,
                }
            })
        });
        let body = ResponseBody::new(body, lease, request_task, self.context.is_none());
        Ok(Response::from_parts(head, Body::new(body)))
    }

    /// Prepares the call to be sent again. Returns whether the request can be sent again.
    pub(super) fn rewind(&mut self) -> bool {
        self.request_body.rewind()
    }
}

/// Why an upstream has not responded.
enum ExchangeError {
    /// The stream or its connection failed.
    Upstream(h2::Error),
    /// The caller's request cannot be read, or breaks a rule.
    Request(Status),
}

/// Sends messages until the head of the response arrives.
async fn receive_head(
    mut response: ResponseFuture,
    stream: &mut SendStream<Bytes>,
    request_body: &mut RequestBody,
) -> Result<Response<h2::RecvStream>, ExchangeError> {
    let mut sent = request_body.is_finished();
    poll_fn(|cx| {
        if !sent {
            match request_body.poll_send(cx, stream) {
                Poll::Ready(Err(SendError::Broken(status) | SendError::Refused(status))) => {
                    return Poll::Ready(Err(ExchangeError::Request(status)));
                }
                // The response, or its error, says why the upstream accepts no more.
                Poll::Ready(Ok(()) | Err(SendError::StreamClosed)) => sent = true,
                Poll::Pending => {}
            }
        }
        Pin::new(&mut response).poll(cx).map_err(ExchangeError::Upstream)
    })
    .await
}

fn request_to(lease: &Lease, uri: &Uri, headers: HeaderMap) -> Request<()> {
    let address = lease.pool.address(lease.connection());
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(address.scheme.clone());
    parts.authority = Some(address.authority.clone());
    // A query is no part of a method's name.
    parts.path_and_query = match uri.query() {
        None => uri.path_and_query().cloned(),
        Some(_) => uri.path().parse().ok(),
    };
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    // Cannot fail: all three parts are set, and a path without its query is one.
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    *request.headers_mut() = headers;
    request
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}
