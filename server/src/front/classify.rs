//! The one place that decides what a request is.

use http::{Method, Request, header};

/// What a request is, and so who answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A gRPC call in any of its forms, its preflight, or a mistaken try at one. It never gets HTML.
    Grpc,
    /// A request for the page or a file of it.
    Page,
    /// Nothing that is served here.
    Unknown,
}

/// Decides what a request is.
///
/// gRPC is what has a gRPC content-type, what goes to the path of a known service by whatever method, and the CORS
/// preflight of either. Any other GET or HEAD is for the page.
///
/// `service` is the one that the request's path names, and `is_known` tells whether it is known here.
pub(crate) fn classify<B>(
    request: &Request<B>,
    service: Option<&str>,
    is_known: impl Fn(&str) -> bool,
) -> Kind {
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if service.is_some_and(is_known) || has_grpc_content_type(request) || (preflight && service.is_some()) {
        Kind::Grpc
    } else if matches!(*request.method(), Method::GET | Method::HEAD) {
        Kind::Page
    } else {
        Kind::Unknown
    }
}

/// Returns the service that a gRPC path names, or `None` where the path is no gRPC path.
///
/// A gRPC path is exactly `/package.Service/Method`, of ASCII letters, digits, dots and underscores. It is read raw:
/// a path with an encoded letter names no service, so that no two spellings of one path exist.
pub(crate) fn service_of(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/')?;
    let slash = path.bytes().position(|byte| byte == b'/')?;
    let (service, method) = (&path[..slash], &path[slash + 1..]);
    (is_name(service) && is_name(method)).then_some(service)
}

/// Tells whether a service, a package or a method can have this name: ASCII letters, digits and underscores, with dots
/// between names, so that no name of dots alone is one.
pub(crate) fn is_name(name: &str) -> bool {
    let mut begun = false;
    let ok = name.bytes().all(|byte| {
        let letter = LETTERS[usize::from(byte)];
        let fits = letter || (begun && byte == b'.');
        begun = letter;
        fits
    });
    ok && begun
}

/// Which bytes names are made of, the dots between them aside: each path is read by it.
const LETTERS: [bool; 256] = {
    let mut letters = [false; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        letters[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_';
        byte += 1;
    }
    letters
};

fn has_grpc_content_type<B>(request: &Request<B>) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    request.headers().get(header::CONTENT_TYPE).is_some_and(|value| {
        value.as_bytes().get(..GRPC.len()).is_some_and(|start| start.eq_ignore_ascii_case(GRPC))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(method: &str, path: &str, headers: &[(&str, &str)]) -> Kind {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let service = service_of(request.uri().path());
        classify(&request, service, |service| ["greet.Greeter", "Message"].contains(&service))
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
        assert_eq!(kind("OPTIONS", "/streams", &[ASKS_POST]), Kind::Unknown);
    }

    #[test]
    fn what_is_read_and_not_grpc_is_the_page() {
        for path in ["/", "/streams", "/app-1234.js", "/other.Service/Method", "/greet.Greeter/Say%48ello"] {
            assert_eq!(kind("GET", path, &[]), Kind::Page, "{path}");
            assert_eq!(kind("HEAD", path, &[]), Kind::Page, "{path}");
        }
    }

    #[test]
    fn the_rest_is_unknown() {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
            assert_eq!(kind(method, "/streams", &[]), Kind::Unknown, "{method}");
        }
    }

    #[test]
    fn only_an_exact_grpc_path_names_a_service() {
        assert_eq!(service_of("/greet.Greeter/SayHello"), Some("greet.Greeter"));
        assert_eq!(service_of("/Message/Stream"), Some("Message"));
        for path in [
            "",
            "/",
            "/Message",
            "/Message/",
            "//Stream",
            "/Message/Stream/",
            "Message/Stream",
            "/a/b/c",
            "/a-b/c",
            "/a/%62",
            "/../a",
            "/./a",
            "/.a/b",
            "/a./b",
            "/a..b/c",
            "/a/b.",
        ] {
            assert_eq!(service_of(path), None, "{path}");
        }
    }
}
