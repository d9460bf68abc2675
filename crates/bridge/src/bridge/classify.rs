//! The one place that decides whether a request is a call.

use drawbridge_core::connect::{Codec, ContentType};
use http::{HeaderValue, Request, header};

use crate::refusal::is_preflight;

/// What a request is, and so what answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A call of gRPC or gRPC-Web, or the preflight for a call.
    Grpc,
    /// A call of Connect, or a mistaken try at a call, such as one with an unknown content-type. It never gets HTML.
    Connect,
    /// Anything else.
    Other,
}

/// How calls are told from other requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum GrpcDetection {
    /// By a content-type that only calls have, or by the path of a known service.
    #[default]
    ContentTypeOrPath,
    /// By the headers that only calls have.
    ContentType,
}

/// The request headers that clients of gRPC-Web and Connect send, and that a preflight for one of their calls asks for.
const ONLY_IN_CALLS: [&str; 2] = ["x-grpc-web", CONNECT_PROTOCOL_VERSION];

const CONNECT_PROTOCOL_VERSION: &str = "connect-protocol-version";

/// Decides what a request is.
///
/// gRPC is what has a gRPC content-type, and the CORS preflight for a call, on any path if it asks for a header that only calls have.
/// Connect is what has a content-type of Connect, on the path of a method; and, unless the headers alone decide, all else that goes to
/// the path of a known service, by whatever method: JSON, which other requests may have too, and requests that are refused.
///
/// `content_type` is that of the request, `service` is the one that its path names, and `is_known` tells whether it is known here.
pub(super) fn classify<B>(
    request: &Request<B>,
    content_type: Option<&HeaderValue>,
    service: Option<&str>,
    detection: GrpcDetection,
    is_known: impl Fn(&str) -> bool,
) -> Kind {
    if content_type.is_some_and(is_grpc) {
        return Kind::Grpc;
    }
    let by_path = detection == GrpcDetection::ContentTypeOrPath;
    if is_preflight(request) {
        let for_call = (by_path && service.is_some()) || asks_for_header_of_calls(request);
        return if for_call { Kind::Grpc } else { Kind::Other };
    }
    let is_for_known = || service.is_some_and(&is_known);
    let is_connect = match content_type.and_then(ContentType::parse) {
        Some(content_type) if content_type.is_stream => true,
        Some(ContentType { codec: Codec::Proto, .. }) => service.is_some(),
        Some(_) => (by_path || request.headers().contains_key(CONNECT_PROTOCOL_VERSION)) && is_for_known(),
        None => (by_path || is_connect_get(request)) && is_for_known(),
    };
    if is_connect { Kind::Connect } else { Kind::Other }
}

/// Returns whether the query of a request says that it is a call of Connect.
fn is_connect_get<B>(request: &Request<B>) -> bool {
    request.uri().query().is_some_and(|query| query.split('&').any(|part| part == "connect=v1"))
}

fn asks_for_header_of_calls<B>(request: &Request<B>) -> bool {
    let names = request.headers().get_all(header::ACCESS_CONTROL_REQUEST_HEADERS);
    names
        .iter()
        .filter_map(|names| names.to_str().ok())
        .flat_map(|names| names.split(','))
        .any(|name| ONLY_IN_CALLS.iter().any(|only| name.trim().eq_ignore_ascii_case(only)))
}

/// Returns whether a request has a content-type of gRPC, in any of its forms.
pub(super) fn has_grpc_content_type<B>(request: &Request<B>) -> bool {
    request.headers().get(header::CONTENT_TYPE).is_some_and(is_grpc)
}

fn is_grpc(content_type: &HeaderValue) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    content_type.as_bytes().get(..GRPC.len()).is_some_and(|start| start.eq_ignore_ascii_case(GRPC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use drawbridge_core::path::service_of;

    fn kind(method: &str, path: &str, headers: &[(&str, &str)]) -> Kind {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let service = service_of(request.uri().path());
        classify(
            &request,
            request.headers().get(header::CONTENT_TYPE),
            service,
            GrpcDetection::default(),
            |service| ["greet.Greeter", "Message"].contains(&service),
        )
    }

    const GRPC: (&str, &str) = ("content-type", "application/grpc-web+proto");
    const ASKS_POST: (&str, &str) = ("access-control-request-method", "POST");

    #[test]
    fn a_grpc_content_type_is_grpc_on_any_path() {
        assert_eq!(kind("POST", "/greet.Greeter/SayHello", &[GRPC]), Kind::Grpc);
        assert_eq!(kind("POST", "/no.such/Method", &[GRPC]), Kind::Grpc);
        assert_eq!(kind("GET", "/streams", &[("content-type", "APPLICATION/GRPC")]), Kind::Grpc);
    }

    #[test]
    fn a_known_services_path_is_a_call_by_any_method() {
        for method in ["GET", "HEAD", "PUT", "POST", "OPTIONS"] {
            assert_eq!(kind(method, "/Message/Stream", &[]), Kind::Connect, "{method}");
        }
        let html = ("content-type", "text/html");
        assert_eq!(kind("GET", "/greet.Greeter/NoSuchMethod", &[html]), Kind::Connect);
        assert_eq!(kind("POST", "/greet.Greeter/SayHello", &[html]), Kind::Connect);
    }

    #[test]
    fn a_content_type_of_connect_is_a_call_on_the_path_of_a_method() {
        let kind = |path: &str, content_type: &str| kind("POST", path, &[("content-type", content_type)]);
        for (content_type, known, unknown, no_method) in [
            ("application/proto", Kind::Connect, Kind::Connect, Kind::Other),
            ("application/connect+proto", Kind::Connect, Kind::Connect, Kind::Connect),
            ("Application/Connect+JSON", Kind::Connect, Kind::Connect, Kind::Connect),
            // A page has paths for JSON too.
            ("application/json; charset=utf-8", Kind::Connect, Kind::Other, Kind::Other),
        ] {
            assert_eq!(kind("/greet.Greeter/SayHello", content_type), known, "{content_type}");
            assert_eq!(kind("/other.Service/Method", content_type), unknown, "{content_type}");
            assert_eq!(kind("/upload", content_type), no_method, "{content_type}");
        }
    }

    #[test]
    fn a_preflight_to_a_grpc_path_is_grpc() {
        assert_eq!(kind("OPTIONS", "/other.Service/Method", &[ASKS_POST]), Kind::Grpc);
        assert_eq!(kind("OPTIONS", "/streams", &[ASKS_POST]), Kind::Other);
        // A call to a wrong path is refused with a status, which its page can read only after a preflight.
        let asked = ("access-control-request-headers", "content-type,x-grpc-web");
        assert_eq!(kind("OPTIONS", "/api/greet.Greeter/SayHello", &[ASKS_POST, asked]), Kind::Grpc);
    }

    #[test]
    fn what_is_read_and_not_grpc_is_the_page() {
        for path in ["/", "/streams", "/app-1234.js", "/other.Service/Method", "/greet.Greeter/Say%48ello"] {
            assert_eq!(kind("GET", path, &[]), Kind::Other, "{path}");
            assert_eq!(kind("HEAD", path, &[]), Kind::Other, "{path}");
        }
    }

    #[test]
    fn the_rest_is_unknown() {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
            assert_eq!(kind(method, "/streams", &[]), Kind::Other, "{method}");
        }
    }

    #[test]
    fn by_headers_alone_other_posts_to_known_paths_are_no_calls() {
        let kind = |method: &str, headers: &[(&str, &str)]| {
            let mut request = Request::builder().method(method).uri("/greet.Greeter/SayHello");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let request = request.body(()).unwrap();
            classify(
                &request,
                request.headers().get(header::CONTENT_TYPE),
                Some("greet.Greeter"),
                GrpcDetection::ContentType,
                |_| true,
            )
        };
        assert_eq!(kind("POST", &[GRPC]), Kind::Grpc);
        let json = ("content-type", "application/json");
        assert_eq!(kind("POST", &[json]), Kind::Other);
        assert_eq!(kind("POST", &[json, ("connect-protocol-version", "1")]), Kind::Connect);
        assert_eq!(kind("POST", &[("content-type", "application/proto")]), Kind::Connect);
        assert_eq!(kind("GET", &[]), Kind::Other);
        let get = Request::get("/greet.Greeter/SayHello?encoding=proto&connect=v1").body(()).unwrap();
        let kind_of_get = classify(&get, None, Some("greet.Greeter"), GrpcDetection::ContentType, |_| true);
        assert_eq!(kind_of_get, Kind::Connect);
        assert_eq!(kind("OPTIONS", &[ASKS_POST]), Kind::Other);
        for asked in ["content-type, X-Grpc-Web", "connect-protocol-version,content-type"] {
            let asked = ("access-control-request-headers", asked);
            assert_eq!(kind("OPTIONS", &[ASKS_POST, asked]), Kind::Grpc);
        }
    }
}
