//! Refusals that a caller of gRPC or gRPC-Web can read.

use drawbridge_core::ContentType;
use http::{Method, Request, Response, header};
use tonic::Status;
use tonic::body::Body;

/// Refuses a request with a gRPC status, in the form that its caller speaks: a response of the request's content-type
/// whose head carries the status (trailers-only). For layers that stand outside of a bridge, such as authentication.
/// [`Bridge::intercept`](crate::Bridge::intercept) is simpler: it runs inside of the call, so that a refusal is translated,
/// logged, listed, and readable for allowed origins.
///
/// A request whose content-type is not gRPC's is refused with the content-type `application/grpc`.
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
    let mut response = status.clone().into_http();
    let format = request.headers().get(header::CONTENT_TYPE).and_then(ContentType::parse);
    if let Some(format) = format {
        response.headers_mut().insert(header::CONTENT_TYPE, format.for_caller(None));
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
}
