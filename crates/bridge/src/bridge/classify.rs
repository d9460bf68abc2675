//! The one place that decides whether a request is gRPC.

use http::{Request, header};

use crate::web::is_preflight;

/// What a request is, and so what answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A gRPC call in any of its forms, its preflight, or a mistaken try at one. It never gets HTML.
    Grpc,
    /// Anything else.
    Other,
}

/// How gRPC requests are told from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum GrpcDetection {
    /// By a gRPC content-type, or by the path of a known service.
    #[default]
    ContentTypeOrPath,
    /// By a gRPC content-type alone.
    ContentType,
}

/// The request header that clients of gRPC-Web send, and that a preflight for one of their calls asks for.
const X_GRPC_WEB: &str = "x-grpc-web";

/// Decides what a request is.
///
/// gRPC is what has a gRPC content-type, and the CORS preflight for it, on any path if it asks for a header of gRPC-Web; and, unless the content-type alone decides, what
/// goes to the path of a known service, by whatever method.
///
/// `service` is the one that the request's path names, and `is_known` tells whether it is known here.
pub(super) fn classify<B>(
    request: &Request<B>,
    service: Option<&str>,
    detection: GrpcDetection,
    is_known: impl Fn(&str) -> bool,
) -> Kind {
    let by_path = || service.is_some_and(&is_known);
    let is_grpc = match detection {
        GrpcDetection::ContentTypeOrPath => {
            by_path()
                || has_grpc_content_type(request)
                || (is_preflight(request) && (service.is_some() || asks_for_grpc_web(request)))
        }
        // A preflight has no content-type. It is gRPC's if it asks for a gRPC-Web client's header.
        GrpcDetection::ContentType => {
            has_grpc_content_type(request) || (is_preflight(request) && asks_for_grpc_web(request))
        }
    };
    if is_grpc { Kind::Grpc } else { Kind::Other }
}

fn asks_for_grpc_web<B>(request: &Request<B>) -> bool {
    let names = request.headers().get_all(header::ACCESS_CONTROL_REQUEST_HEADERS);
    names
        .iter()
        .filter_map(|names| names.to_str().ok())
        .flat_map(|names| names.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case(X_GRPC_WEB))
}

/// Returns whether a request has a content-type of gRPC, in any of its forms.
pub(super) fn has_grpc_content_type<B>(request: &Request<B>) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    request.headers().get(header::CONTENT_TYPE).is_some_and(|value| {
        value.as_bytes().get(..GRPC.len()).is_some_and(|start| start.eq_ignore_ascii_case(GRPC))
    })
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
        classify(&request, service, GrpcDetection::default(), |service| {
            ["greet.Greeter", "Message"].contains(&service)
        })
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
    fn a_known_services_path_is_grpc_by_any_method() {
        for method in ["GET", "HEAD", "PUT", "POST", "OPTIONS"] {
            assert_eq!(kind(method, "/Message/Stream", &[]), Kind::Grpc, "{method}");
        }
        assert_eq!(kind("GET", "/greet.Greeter/NoSuchMethod", &[("content-type", "text/html")]), Kind::Grpc);
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
    fn by_content_type_alone_other_posts_to_known_paths_are_not_grpc() {
        let kind = |method: &str, headers: &[(&str, &str)]| {
            let mut request = Request::builder().method(method).uri("/greet.Greeter/SayHello");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let request = request.body(()).unwrap();
            classify(&request, Some("greet.Greeter"), GrpcDetection::ContentType, |_| true)
        };
        assert_eq!(kind("POST", &[GRPC]), Kind::Grpc);
        assert_eq!(kind("POST", &[("content-type", "application/json")]), Kind::Other);
        assert_eq!(kind("GET", &[]), Kind::Other);
        assert_eq!(kind("OPTIONS", &[ASKS_POST]), Kind::Other);
        let asked = ("access-control-request-headers", "content-type, X-Grpc-Web");
        assert_eq!(kind("OPTIONS", &[ASKS_POST, asked]), Kind::Grpc);
    }
}
