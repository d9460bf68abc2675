//! Responses to requests that are no calls.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use tonic::body::Body;

/// Returns a response in plain text, with one line: for a request that is no call, and so gets no status of gRPC.
pub(crate) fn plain_response(status: StatusCode, message: &str) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::from(Bytes::from(format!("{message}\n")))));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
