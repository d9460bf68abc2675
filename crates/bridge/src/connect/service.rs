//! Translates calls between Connect and gRPC.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use drawbridge_core::connect::{Codec, ContentType};
use futures_util::FutureExt as _;
use futures_util::future::ready;
use http::header::{self, HeaderValue};
use http::{Extensions, Method, Request, Response, StatusCode};
use http_body::Body as HttpBody;
use hyper::service::Service as HyperService;
use tonic::body::Body;
use tower::BoxError;

use super::error::error_response;
use super::message_body::MessageBody;
use super::{end_stream, request_head, unary};
use crate::method_kinds::MethodKinds;
use crate::plain_response::plain_response;
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
/// - A request that is no call is refused: 405 for a method other than POST, 415 for a content type that the called method does not have.
/// - The [`Protocol`](drawbridge_core::Protocol) of the caller is inserted into the extensions of a request.
///
/// It stands outside of the CALL layer, so that the status which ends a call is translated too.
#[derive(Clone, Debug)]
pub(crate) struct ConnectService<S> {
    pub(crate) inner: S,
    pub(crate) kinds: Arc<MethodKinds>,
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
        let (request, content_type) = match self.translate(request) {
            Ok(translated) => translated,
            Err(refused) => return ready(Ok(*refused)).boxed(),
        };
        let response = self.inner.call(request);
        let max_bytes = self.max_held_response_bytes;
        Box::pin(async move {
            let Ok(response) = response.await;
            Ok(if content_type.is_stream {
                end_stream::respond(response, content_type)
            } else {
                unary::respond(response, content_type, max_bytes).await
            })
        })
    }

    /// Makes a request one of gRPC. Returns its content type as well, or the response to a request that is refused.
    fn translate(&self, request: Request<Body>) -> Result<(Request<Body>, ContentType), Box<Response<Body>>> {
        let content_type = self.content_type(&request)?;
        let (mut head, body) = request.into_parts();
        let protocol = request_head::translate(&mut head.headers, content_type)
            .map_err(|error| error_response(content_type, &error))?;
        head.extensions.insert(protocol);
        let body = if content_type.is_stream {
            body
        } else {
            let is_compressed = head.headers.contains_key(drawbridge_core::headers::GRPC_ENCODING);
            Body::new(MessageBody::new(body, is_compressed, self.max_message_bytes))
        };
        Ok((Request::from_parts(head, body), content_type))
    }

    /// Returns the content type of a request whose method and content type are those of a call.
    fn content_type(&self, request: &Request<Body>) -> Result<ContentType, Box<Response<Body>>> {
        if request.method() != Method::POST {
            let mut response = plain_response(StatusCode::METHOD_NOT_ALLOWED, "Connect is called with POST");
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
            return Err(Box::new(response));
        }
        let accepts_json = (self.codecs)(request.extensions()) == Codecs::Any;
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(ContentType::parse);
        match content_type.filter(|content_type| content_type.codec == Codec::Proto || accepts_json) {
            None => Err(Box::new(unsupported(accepts_json, "this path takes no such content type"))),
            Some(content_type) => match self.kinds.is_unary(request.uri().path()) {
                Some(is_unary) if is_unary == content_type.is_stream => {
                    let message = if is_unary {
                        "this method is unary: call it with application/proto or application/json"
                    } else {
                        "this method streams: call it with application/connect+proto or application/connect+json"
                    };
                    Err(Box::new(unsupported(accepts_json, message)))
                }
                _ => Ok(content_type),
            },
        }
    }
}

fn unsupported(accepts_json: bool, message: &str) -> Response<Body> {
    let mut response = plain_response(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    let accepted = if accepts_json { ACCEPT_POST_WITH_JSON } else { ACCEPT_POST };
    response.headers_mut().insert("accept-post", accepted);
    response
}
