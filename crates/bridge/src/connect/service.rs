//! Translates calls between Connect and gRPC.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use drawbridge_core::connect::{Codec, ContentType};
use drawbridge_core::headers::GRPC_ENCODING;
use futures_util::FutureExt as _;
use futures_util::future::ready;
use http::header::{self, HeaderMap};
use http::{Extensions, Method, Request, Response};
use http_body::Body as HttpBody;
use hyper::service::Service as HyperService;
use tonic::body::Body;
use tower::BoxError;

use super::accept::StreamForm;
use super::allowed_origins::AllowedOrigins;
use super::caller::Caller;
use super::error::{error_response, unary_error_response};
use super::events::LAST_ID;
use super::message_body::MessageBody;
use super::not_a_call::{cross_site, method_not_allowed, no_more_events, unsupported};
use super::request_head::GRPC_ACCEPT_ENCODING;
use super::{get_request, request_head, response};
use crate::method_kinds::{MethodKind, MethodKinds};
use crate::safe_methods::SafeMethods;
use crate::service::ResponseFuture;
use crate::web::Codecs;

/// Serves Connect with a service that speaks gRPC.
///
/// - A request that is no call is refused: 405 for a method other than POST, and GET where the called method has no side effects; 415 for
///   a content type that the called method does not have.
/// - The [`Protocol`](drawbridge_core::Protocol) of the caller is inserted into the extensions of a request.
///
/// It stands outside of the CALL layer, so that the status which ends a call is translated too.
#[derive(Clone, Debug)]
pub(crate) struct ConnectService<S> {
    pub(crate) inner: S,
    pub(crate) kinds: Arc<MethodKinds>,
    pub(crate) safe_methods: SafeMethods,
    /// Which pages may call by GET, for which browsers send no preflight.
    pub(crate) origins: AllowedOrigins,
    /// Which codecs a request may name.
    pub(crate) codecs: fn(&Extensions) -> Codecs,
    /// The longest message of a unary request, in bytes.
    pub(crate) max_message_bytes: u32,
    /// The longest message of a unary response, in bytes.
    pub(crate) max_held_response_bytes: u32,
}

impl<S, B> ConnectService<S>
where
    S: HyperService<Request<Body>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError> + Send,
{
    /// Answers a request. Dropping the future, or the body of its response, ends the call.
    pub(crate) fn call(&self, request: Request<Body>) -> ResponseFuture {
        let (request, caller) = match self.translate(request) {
            Ok(translated) => translated,
            Err(refused) => return ready(Ok(*refused)).boxed(),
        };
        let response = self.inner.call(request);
        let max_bytes = self.max_held_response_bytes;
        Box::pin(async move {
            let Ok(response) = response.await;
            Ok(response::respond(response, &caller, max_bytes).await)
        })
    }

    /// Makes a request one of gRPC. Returns what the response needs of it as well, or the response to a request that is refused.
    fn translate(&self, request: Request<Body>) -> Result<(Request<Body>, Caller), Box<Response<Body>>> {
        let (by_get, is_head) = (is_get(request.method()), request.method() == Method::HEAD);
        let request = self.as_post(request)?;
        let kind = self.kinds.get(request.uri().path());
        let content_type = self.content_type(&request, kind)?;
        let mut caller = Caller { content_type, accepted: None, last_event_id: None, kind, by_get, is_head };
        let (mut head, body) = request.into_parts();
        let protocol = request_head::translate(&mut head.headers, content_type)
            .map_err(|error| error_response(content_type, &error))?;
        caller.set_protocol(protocol, &head.headers);
        if caller.accepted.is_some() {
            // Its response may be text, of which no message can be compressed by itself.
            head.headers.remove(GRPC_ACCEPT_ENCODING);
        }
        if caller.stream_form(None) == Some(StreamForm::Events)
            && caller.last_event_id.as_deref() == Some(LAST_ID)
        {
            return Err(Box::new(no_more_events()));
        }
        head.extensions.insert(protocol);
        let body = if content_type.is_stream {
            body
        } else {
            let is_compressed = head.headers.contains_key(GRPC_ENCODING);
            Body::new(MessageBody::new(body, is_compressed, self.max_message_bytes))
        };
        Ok((Request::from_parts(head, body), caller))
    }

    /// Returns the POST request of a call, or refuses a request with a method that is not one of calls.
    fn as_post(&self, request: Request<Body>) -> Result<Request<Body>, Box<Response<Body>>> {
        if request.method() == Method::POST {
            return Ok(request);
        }
        let is_safe = self.safe_methods.contains(request.uri().path());
        if !is_safe || !is_get(request.method()) {
            return Err(Box::new(method_not_allowed(is_safe)));
        }
        if !self.origins.allow(request.headers()) {
            return Err(Box::new(cross_site()));
        }
        let accepts_json = self.accepts_json(&request);
        match get_request::into_post(request) {
            Ok(Some(request)) => Ok(request),
            Ok(None) => {
                let message = "a call of Connect by GET names its codec: encoding=proto or encoding=json";
                Err(Box::new(unsupported(accepts_json, message)))
            }
            Err(error) => Err(Box::new(unary_error_response(HeaderMap::new(), &error))),
        }
    }

    fn accepts_json(&self, request: &Request<Body>) -> bool {
        (self.codecs)(request.extensions()) != Codecs::Protobuf
    }

    /// Returns the content type of a request, if it is one that the called method has.
    fn content_type(
        &self,
        request: &Request<Body>,
        kind: Option<MethodKind>,
    ) -> Result<ContentType, Box<Response<Body>>> {
        let accepts_json = self.accepts_json(request);
        let unsupported = |message| Err(Box::new(unsupported(accepts_json, message)));
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(ContentType::parse);
        let Some(content_type) = content_type.filter(|each| each.codec == Codec::Proto || accepts_json)
        else {
            return unsupported("this path takes calls of gRPC, gRPC-Web and Connect");
        };
        match kind {
            Some(kind) if kind.is_unary() && content_type.is_stream => {
                unsupported("this method is unary: call it with application/proto or application/json")
            }
            Some(kind)
                if !kind.is_unary()
                    && !content_type.is_stream
                    && !takes_streams(request, content_type, kind) =>
            {
                unsupported(
                    "this method streams: call it with application/connect+proto or application/connect+json",
                )
            }
            _ => Ok(content_type),
        }
    }
}

/// Returns whether the client of a unary request takes a stream as response. Clients of Connect do not.
fn takes_streams(request: &Request<Body>, content_type: ContentType, kind: MethodKind) -> bool {
    content_type.codec == Codec::Json
        && !kind.streams_requests
        && !request.headers().contains_key(request_head::PROTOCOL_VERSION)
}

fn is_get(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}
