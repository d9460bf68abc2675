//! The layer that translates calls.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use drawbridge_core::Protocol;
use drawbridge_core::headers::GRPC_ENCODING;
use drawbridge_json::{Idempotency, ParseOptions, PrintOptions, UnknownFields};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use hyper::service::Service;
use tonic::Status;
use tonic::body::Body;

use super::compression::{ACCEPTED, Compression};
use super::failure::Failure;
use super::frames::Frames;
use super::request_body::RequestBody;
use super::response_body::ResponseBody;
use super::schemas::{Resolved, Schemas};
use crate::method_kinds::MethodKind;
use crate::method_pattern::MethodPattern;
use crate::query_message::QueryMessage;
use crate::service::ResponseFuture;
use crate::upstream::Route;

/// The content type of calls with JSON messages, as the layers outside of the CALL layer write it.
const JSON: &[u8] = b"application/grpc+json";

const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// How many times longer than its protobuf the JSON of a response may be.
const EXPANSION: usize = 8;

/// Which calls are translated, and by what.
pub(crate) struct JsonRules {
    pub(crate) methods: Vec<MethodPattern>,
    pub(crate) schemas: Arc<Schemas>,
    /// The longest message of a request, in bytes, before and after translation.
    pub(crate) max_message_bytes: u32,
    /// The longest message of a response, in bytes, before translation.
    pub(crate) max_response_bytes: u32,
}

impl fmt::Debug for JsonRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonRules").field("methods", &self.methods).finish_non_exhaustive()
    }
}

/// A service that translates calls with JSON messages, and passes all others to the inner service.
#[derive(Clone, Debug)]
pub(crate) struct Json<S> {
    inner: S,
    rules: Option<Arc<JsonRules>>,
}

impl<S> Json<S> {
    pub(crate) fn new(inner: S, rules: Option<Arc<JsonRules>>) -> Self {
        Self { inner, rules }
    }
}

impl<S> Service<Request<Body>> for Json<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = ResponseFuture>
        + Clone
        + Send
        + Sync
        + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn call(&self, request: Request<Body>) -> Self::Future {
        match &self.rules {
            Some(rules) if is_json(request.headers()) => {
                if rules.covers(&request) {
                    let (inner, rules) = (self.inner.clone(), Arc::clone(rules));
                    return Box::pin(async move { Ok(translate(inner, &rules, request).await) });
                }
                if request.extensions().get::<Route>().is_none() {
                    let status = Status::unimplemented("this method cannot be called with JSON");
                    return Box::pin(std::future::ready(Ok(status.into_http())));
                }
                // The upstream decodes JSON itself, or refuses it.
                self.inner.call(request)
            }
            _ => self.inner.call(request),
        }
    }
}

impl JsonRules {
    fn covers(&self, request: &Request<Body>) -> bool {
        let path = request.uri().path();
        self.methods.iter().any(|pattern| pattern.covers(path))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    // It is among the first headers: to look for it in order costs less than a look-up, and every call is asked.
    let content_type = headers.iter().find(|(name, _)| **name == header::CONTENT_TYPE);
    content_type.is_some_and(|(_, content_type)| content_type.as_bytes() == JSON)
}

/// Answers a call with JSON messages.
async fn translate<S>(inner: S, rules: &JsonRules, mut request: Request<Body>) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = ResponseFuture>,
{
    let path = request.uri().path();
    let resolved = match request.extensions().get::<Route>() {
        None => rules.schemas.hosted(path),
        Some(Route::To(pool)) => rules.schemas.forwarded(pool, path).await,
        // It answers that the service is not exposed.
        Some(Route::NotExposed) => return call(&inner, request).await,
    };
    let Resolved { method, source } = match resolved {
        Ok(resolved) => resolved,
        Err(status) => return status.into_http(),
    };
    let compression = match Compression::of(request.headers()) {
        Ok(compression) => compression,
        Err(status) => {
            let mut response: Response<Body> = status.into_http();
            response.headers_mut().insert(GRPC_ACCEPT_ENCODING, ACCEPTED);
            return response;
        }
    };
    let kind = MethodKind {
        streams_requests: method.client_streaming,
        streams_responses: method.server_streaming,
        is_safe: method.idempotency == Idempotency::NoSideEffects,
    };
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    for name in [GRPC_ENCODING, GRPC_ACCEPT_ENCODING, header::CONTENT_LENGTH] {
        headers.remove(name);
    }
    let ignores_unknown =
        request.extensions().get::<Protocol>().is_some_and(|it| it.ignores_unknown_fields());
    let options = ParseOptions {
        unknown_fields: if ignores_unknown { UnknownFields::Ignore } else { UnknownFields::Refuse },
        max_bytes: rules.max_message_bytes as usize,
        untyped: request.extensions().get::<QueryMessage>().is_some(),
    };
    let failure = Failure::default();
    let (of_request, input) = (failure.clone(), method.input);
    let frames = Frames::new(rules.max_message_bytes, compression);
    let on_unknown = move || source.iter().for_each(|source| source.lacks_something());
    let request =
        request.map(|body| Body::new(RequestBody::new(body, frames, input, options, of_request, on_unknown)));
    let mut response = inner.call(request);
    let response = poll_fn(|cx| match response.as_mut().poll(cx) {
        // What the callee answers after a failure of the request follows from the failure.
        Poll::Ready(Ok(response)) => Poll::Ready(failure.take().map_or(Ok(response), Err)),
        Poll::Pending => failure.poll(cx).map(Err),
    });
    let mut response = match response.await {
        Ok(response) => response,
        Err(status) => return status.into_http(),
    };
    let compression = match Compression::of(response.headers()) {
        Ok(compression) => compression,
        Err(status) => return Status::internal(status.message()).into_http(),
    };
    // Outside, it decides in which form a client without a library gets the messages.
    response.extensions_mut().insert(kind);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc+json"));
    headers.insert(GRPC_ACCEPT_ENCODING, ACCEPTED);
    for name in [GRPC_ENCODING, header::CONTENT_LENGTH] {
        headers.remove(name);
    }
    let options = PrintOptions {
        max_bytes: (rules.max_response_bytes as usize).saturating_mul(EXPANSION),
        ..PrintOptions::default()
    };
    let frames = Frames::new(rules.max_response_bytes, compression);
    response.map(|body| Body::new(ResponseBody::new(body, frames, method.output, options, failure)))
}

async fn call<S>(inner: &S, request: Request<Body>) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = ResponseFuture>,
{
    let Ok(response) = inner.call(request).await;
    response
}
