//! Responses to requests that are no calls.

use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use tonic::Code;
use tonic::body::Body;

use super::error::{ConnectError, unary_error_response};
use crate::plain_response::plain_response;

/// The content types that calls may have, as `accept-post` lists them.
const ACCEPT_POST: HeaderValue = HeaderValue::from_static(
    "application/grpc, application/grpc-web+proto, application/grpc-web-text+proto, application/proto, application/connect+proto",
);

/// The same, where the callee takes JSON too.
const ACCEPT_POST_WITH_JSON: HeaderValue = HeaderValue::from_static(
    "application/grpc, application/grpc-web+proto, application/grpc-web-text+proto, application/proto, application/json, application/connect+proto, application/connect+json",
);

/// Refuses a method of HTTP: with 405.
pub(super) fn method_not_allowed(is_safe: bool) -> Response<Body> {
    let (message, allowed) = if is_safe {
        ("this method is called with POST or GET", "GET, HEAD, POST, OPTIONS")
    } else {
        ("methods are called with POST", "POST, OPTIONS")
    };
    let mut response = plain_response(StatusCode::METHOD_NOT_ALLOWED, message);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Refuses a content type: with 415, and those that are known.
pub(super) fn unsupported(accepts_json: bool, message: &str) -> Response<Body> {
    let mut response = plain_response(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    let accepted = if accepts_json { ACCEPT_POST_WITH_JSON } else { ACCEPT_POST };
    response.headers_mut().insert("accept-post", accepted);
    response
}

/// Refuses a page of another site: with 403.
pub(super) fn cross_site() -> Response<Body> {
    let error = ConnectError::new(Code::PermissionDenied, "pages of other sites may not call this server");
    unary_error_response(HeaderMap::new(), &error)
}

/// Tells an `EventSource` that it has read everything.
pub(super) fn no_more_events() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
