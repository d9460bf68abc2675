//! Refusals in the form that a caller speaks.

use drawbridge_core::{ContentType, connect};
use http::{Method, Request, Response, header};
use tonic::Status;
use tonic::body::Body;

use crate::connect::{ConnectError, error_response};

/// Refuses a request with a gRPC status, in the form that its caller speaks: for gRPC and gRPC-Web a response of the request's
/// content-type whose head carries the status (trailers-only), and for Connect and JSON an error of Connect. For layers that stand
/// outside of a bridge, such as authentication.
/// [`Bridge::intercept`](crate::Bridge::intercept) is simpler: it runs inside of the call, so that a refusal is translated,
/// logged, listed, and readable for allowed origins.
///
/// A request with any other content-type is refused with the content-type `application/grpc`.
///
/// A browser shows a cross-origin refusal to its page only with CORS headers, so put a CORS layer of your own
/// ([`Bridge::without_cors`](crate::Bridge::without_cors)) outside of the layer that refuses. It answers preflights too. If CORS
/// is left to the bridge, let [preflights](is_preflight) pass, and expect that only same-origin pages can read a refusal.
///
/// ```
/// # use http::Request;
/// use drawbridge::refuse;
/// use tonic::Status;
///
/// let request = Request::post("/greet.Greeter/SayHello")
///     .header("content-type", "application/grpc-web+proto")
///     .body(())?;
/// let response = refuse(&request, &Status::unauthenticated("the token has expired"));
/// assert_eq!(response.headers()["content-type"], "application/grpc-web+proto");
/// assert_eq!(response.headers()["grpc-status"], "16");
/// # Ok::<(), http::Error>(())
/// ```
pub fn refuse<B>(request: &Request<B>, status: &Status) -> Response<Body> {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    if let Some(content_type) = content_type.and_then(connect::ContentType::parse) {
        return refuse_connect(content_type, status);
    }
    let mut response = status.clone().into_http();
    let format = content_type.and_then(ContentType::parse);
    if let Some(format) = format {
        response.headers_mut().insert(header::CONTENT_TYPE, format.for_caller(None));
    }
    response
}

/// Refuses a request of Connect. The metadata of the status is headers.
pub(crate) fn refuse_connect(content_type: connect::ContentType, status: &Status) -> Response<Body> {
    let mut response = error_response(content_type, &ConnectError::from(status));
    for (name, value) in status.metadata().clone().into_headers() {
        if let Some(name) = name {
            response.headers_mut().entry(name).or_insert(value);
        }
    }
    response
}

/// Returns whether a request is a CORS preflight, which browsers send without credentials. If the bridge
/// answers preflights, a layer outside of it has to let them pass.
pub fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_form_of_its_request() {
        for (content_type, expected) in [
            ("application/grpc", "application/grpc"),
            ("application/grpc-web-text", "application/grpc-web-text+proto"),
            ("application/grpc-web+json; charset=utf-8", "application/grpc-web+json"),
            ("text/html", "application/grpc"),
        ] {
            let request = Request::post("/a.B/C").header("content-type", content_type).body(()).unwrap();
            let response = refuse(&request, &Status::permission_denied("no"));
            assert_eq!(response.headers()["content-type"], expected, "{content_type}");
            assert_eq!(response.headers()["grpc-status"], "7");
        }
    }

    #[test]
    fn a_refusal_of_connect_has_the_metadata_of_its_status() {
        let mut status = Status::permission_denied("no");
        status.metadata_mut().insert("x-a", "1".parse().unwrap());
        status.metadata_mut().insert("content-type", "text/html".parse().unwrap());
        for (content_type, http_status, expected) in [
            ("application/json; charset=utf-8", 403, "application/json"),
            ("application/proto", 403, "application/json"),
            ("application/connect+proto", 200, "application/connect+proto"),
        ] {
            let request = Request::post("/a.B/C").header("content-type", content_type).body(()).unwrap();
            let response = refuse(&request, &status);
            assert_eq!(response.status().as_u16(), http_status, "{content_type}");
            assert_eq!(response.headers()["content-type"], expected, "{content_type}");
            assert_eq!(response.headers()["x-a"], "1", "{content_type}");
        }
    }
}
