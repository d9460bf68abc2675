//! The response to a call, in the form that its caller reads.

use bytes::{Bytes, BytesMut};
use drawbridge_core::Protocol;
use drawbridge_core::connect::Codec;
use drawbridge_core::headers::GRPC_STATUS;
use http::Response;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http_body::Body as HttpBody;
use http_body_util::Full;
use tonic::body::Body;
use tower::BoxError;

use super::accept::StreamForm;
use super::caller::Caller;
use super::error::{ConnectError, unary_error_response};
use super::events::Events;
use super::lines::Lines;
use super::response_head::{add_trailers, translate};
use super::text_stream::{TextStream, WriteText};
use super::{array, end_stream, unary};
use crate::method_kinds::MethodKind;
use crate::web::GrpcWebBody;

/// How many times longer than its protobuf a message of JSON may be.
const JSON_EXPANSION: u32 = 8;

/// Makes a gRPC response that of a call in the form of its caller. What has to be held is at most `max_bytes` long, as protobuf.
pub(super) async fn respond<B>(response: Response<B>, caller: &Caller, max_bytes: u32) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError> + Send,
{
    let content_type = caller.content_type;
    if content_type.is_stream {
        return end_stream::respond(response, content_type);
    }
    let max_bytes =
        if content_type.codec == Codec::Json { max_bytes.saturating_mul(JSON_EXPANSION) } else { max_bytes };
    let form = caller.stream_form(response.extensions().get::<MethodKind>().copied());
    let mut response = match form {
        // It has failed before its first message.
        Some(_)
            if response.headers().contains_key(GRPC_STATUS)
                && ConnectError::read(response.headers()).is_some() =>
        {
            unary::respond(response, content_type, max_bytes).await
        }
        Some(form) => stream(response, form, caller, max_bytes).await,
        None => unary::respond(response, content_type, max_bytes).await,
    };
    if caller.by_get {
        finish_get(&mut response, caller);
    }
    response
}

/// Makes a gRPC response that of a stream for a client of JSON alone.
async fn stream<B>(response: Response<B>, form: StreamForm, caller: &Caller, max_bytes: u32) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError> + Send,
{
    let (mut head, body) = response.into_parts();
    let headers = &mut head.headers;
    // A success without a message.
    let trailers = headers.contains_key(GRPC_STATUS).then(|| headers.clone());
    translate(headers, caller.content_type);
    if form == StreamForm::Array {
        let collected = match trailers {
            Some(_) => Ok((Bytes::from_static(b"[]"), HeaderMap::new())),
            None => array::collect(body, max_bytes).await,
        };
        return match collected {
            Ok((array, trailers)) => {
                add_trailers(headers, &trailers);
                Response::from_parts(head, Body::new(Full::from(array)))
            }
            Err((error, trailers)) => {
                add_trailers(headers, &trailers);
                unary_error_response(head.headers, &error)
            }
        };
    }
    if form == StreamForm::Events {
        set(headers, header::CONTENT_TYPE, "text/event-stream");
        set(headers, header::CACHE_CONTROL, "no-cache, no-transform");
        // nginx would hold the events back.
        set(headers, HeaderName::from_static("x-accel-buffering"), "no");
        let events = Events::after(caller.last_event_id.as_deref());
        Response::from_parts(head, text(body, trailers, events, max_bytes))
    } else {
        set(headers, header::CONTENT_TYPE, "application/x-ndjson");
        Response::from_parts(head, text(body, trailers, Lines, max_bytes))
    }
}

/// Returns a body of text, with what is ready at one time in one piece. `trailers` are those of a response without a body.
fn text<B, W>(body: B, trailers: Option<HeaderMap>, mut writer: W, max_bytes: u32) -> Body
where
    B: HttpBody<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError> + Send,
    W: WriteText + Send + 'static,
{
    match trailers {
        None => Body::new(GrpcWebBody::new(TextStream::new(body, writer, max_bytes), Protocol::Grpc)),
        Some(trailers) => {
            let mut end = BytesMut::new();
            writer.end(&mut end, None, &trailers);
            Body::new(Full::from(end.freeze()))
        }
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

/// Finishes the response to a call by GET, which caches may keep.
fn finish_get(response: &mut Response<Body>, caller: &Caller) {
    let varies = if caller.accepted.is_some() { "accept, accept-encoding" } else { "accept-encoding" };
    response.headers_mut().append(header::VARY, HeaderValue::from_static(varies));
    if caller.is_head {
        if let Some(length) = response.body().size_hint().exact() {
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        *response.body_mut() = Body::empty();
    }
}
