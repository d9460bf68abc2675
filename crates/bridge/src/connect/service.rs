//! Translates calls between Connect and gRPC.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use drawbridge_core::connect::{Codec, ContentType};
use drawbridge_core::headers::GRPC_ENCODING;
use futures_util::FutureExt as _;
use futures_util::future::ready;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Extensions, Method, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use hyper::service::Service as HyperService;
use tonic::Code;
use tonic::body::Body;
use tower::BoxError;

use super::error::{ConnectError, error_response, unary_error_response};
use super::message_body::MessageBody;
use super::{end_stream, get_request, request_head, unary};
use crate::method_kinds::MethodKinds;
use crate::plain_response::plain_response;
use crate::safe_methods::SafeMethods;
use crate::service::ResponseFuture;
use crate::web::Codecs;

/// The content types that calls may have, as `accept-post` lists them.
const ACCEPT_POST: HeaderValue = HeaderValue::from_static(
    "application/grpc, application/grpc-web+proto, application/grpc-web-text+proto, application/proto, application/connect+proto",
);

/// The same, where the callee takes JSON too.
const ACCEPT_POST_WITH_JSON: HeaderValue = HeaderValue::from_static(
    "application/grpc, application/grpc-web+proto, application/grpc-web-text+proto, application/proto, application/json, application/connect+proto, application/connect+json",
);

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

/// The pages of other sites that may call.
#[derive(Clone, Debug)]
pub(crate) enum AllowedOrigins {
    /// Those of these origins.
    #[cfg_attr(not(feature = "cors"), expect(dead_code))]
    These(Arc<[HeaderValue]>),
    /// Those of any origin that the request names: a layer around the bridge decides.
    AnyNamed,
}

impl AllowedOrigins {
    /// Returns whether the page that sent a request may call. A request that is not said to come from another site may.
    fn allow(&self, headers: &HeaderMap) -> bool {
        if headers.get("sec-fetch-site").is_none_or(|site| site != "cross-site") {
            return true;
        }
        let origin = headers.get(header::ORIGIN);
        match self {
            Self::These(origins) => origin.is_some_and(|origin| origins.contains(origin)),
            Self::AnyNamed => origin.is_some(),
        }
    }
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
        let (by_get, is_head) = (is_get(request.method()), request.method() == Method::HEAD);
        let (request, content_type) = match self.translate(request) {
            Ok(translated) => translated,
            Err(refused) => return ready(Ok(*refused)).boxed(),
        };
        let response = self.inner.call(request);
        let max_bytes = self.max_held_response_bytes;
        Box::pin(async move {
            let Ok(response) = response.await;
            if content_type.is_stream {
                return Ok(end_stream::respond(response, content_type));
            }
            let mut response = unary::respond(response, content_type, max_bytes).await;
            if by_get {
                finish_get(&mut response, is_head);
            }
            Ok(response)
        })
    }

    /// Makes a request one of gRPC. Returns its content type as well, or the response to a request that is refused.
    fn translate(&self, request: Request<Body>) -> Result<(Request<Body>, ContentType), Box<Response<Body>>> {
        let request = self.as_post(request)?;
        let content_type = self.content_type(&request)?;
        let (mut head, body) = request.into_parts();
        let protocol = request_head::translate(&mut head.headers, content_type)
            .map_err(|error| error_response(content_type, &error))?;
        head.extensions.insert(protocol);
        let body = if content_type.is_stream {
            body
        } else {
            let is_compressed = head.headers.contains_key(GRPC_ENCODING);
            Body::new(MessageBody::new(body, is_compressed, self.max_message_bytes))
        };
        Ok((Request::from_parts(head, body), content_type))
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
            return Err(Box::new(unary_error_response(HeaderMap::new(), &cross_site())));
        }
        let accepts_json = self.accepts_json(&request);
        match get_request::into_post(request) {
            Ok(Some(request)) => Ok(request),
            Ok(None) => {
                let message = "a call by GET names its codec in the query: encoding=proto or encoding=json";
                Err(Box::new(unsupported(accepts_json, message)))
            }
            Err(error) => Err(Box::new(unary_error_response(HeaderMap::new(), &error))),
        }
    }

    fn accepts_json(&self, request: &Request<Body>) -> bool {
        (self.codecs)(request.extensions()) != Codecs::Protobuf
    }

    /// Returns the content type of a request, if it is one that the called method has.
    fn content_type(&self, request: &Request<Body>) -> Result<ContentType, Box<Response<Body>>> {
        let accepts_json = self.accepts_json(request);
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(ContentType::parse);
        let Some(content_type) = content_type.filter(|each| each.codec == Codec::Proto || accepts_json)
        else {
            let message = "this path takes calls of gRPC, gRPC-Web and Connect";
            return Err(Box::new(unsupported(accepts_json, message)));
        };
        match self.kinds.is_unary(request.uri().path()) {
            Some(true) if content_type.is_stream => {
                let message = "this method is unary: call it with application/proto or application/json";
                Err(Box::new(unsupported(accepts_json, message)))
            }
            Some(false) if !content_type.is_stream => {
                let message =
                    "this method streams: call it with application/connect+proto or application/connect+json";
                Err(Box::new(unsupported(accepts_json, message)))
            }
            _ => Ok(content_type),
        }
    }
}

fn is_get(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

fn method_not_allowed(is_safe: bool) -> Response<Body> {
    let (message, allowed) = if is_safe {
        ("this method is called with POST or GET", "GET, HEAD, POST, OPTIONS")
    } else {
        ("methods are called with POST", "POST, OPTIONS")
    };
    let mut response = plain_response(StatusCode::METHOD_NOT_ALLOWED, message);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

fn cross_site() -> ConnectError {
    ConnectError::new(Code::PermissionDenied, "pages of other sites may not call this server")
}

/// Finishes the response to a call by GET, which caches may keep.
fn finish_get(response: &mut Response<Body>, is_head: bool) {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_name(header::ACCEPT_ENCODING));
    if is_head {
        let length = response.body().size_hint().exact().unwrap_or_default();
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        *response.body_mut() = Body::empty();
    }
}

fn unsupported(accepts_json: bool, message: &str) -> Response<Body> {
    let mut response = plain_response(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    let accepted = if accepts_json { ACCEPT_POST_WITH_JSON } else { ACCEPT_POST };
    response.headers_mut().insert("accept-post", accepted);
    response
}
