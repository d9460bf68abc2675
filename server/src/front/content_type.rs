//! Which of gRPC's three forms a request speaks.
//!
//! tonic-web right behind this knows four exact content-types and answers 400 to everything else, and it chooses the
//! form of an answer by `accept`. Here the content-type is read as HTTP defines it (letter case and parameters do
//! not count), what is no gRPC is refused with a status that says what would be right, and `accept` is made to ask
//! for the form that was sent, so that a text request is answered in text whatever its sender's defaults.

use std::fmt;

use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use tonic::body::Body;

/// The form of gRPC that a caller speaks to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrontProtocol {
    /// gRPC over HTTP/2.
    Grpc,
    /// gRPC-Web, binary.
    GrpcWeb,
    /// gRPC-Web in base64.
    GrpcWebText,
}

impl FrontProtocol {
    /// Reads a content-type, without regard to letter case and parameters. Messages are protobuf, and so the codec
    /// is `proto` or left out.
    fn from_content_type(value: &HeaderValue) -> Option<Self> {
        let media_type = value.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase();
        match media_type.strip_suffix("+proto").unwrap_or(&media_type) {
            "application/grpc" => Some(Self::Grpc),
            "application/grpc-web" => Some(Self::GrpcWeb),
            "application/grpc-web-text" => Some(Self::GrpcWebText),
            _ => None,
        }
    }

    const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Grpc => "application/grpc",
            Self::GrpcWeb => "application/grpc-web+proto",
            Self::GrpcWebText => "application/grpc-web-text+proto",
        })
    }
}

impl fmt::Display for FrontProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grpc => "grpc",
            Self::GrpcWeb => "grpc-web",
            Self::GrpcWebText => "grpc-web-text",
        })
    }
}

/// Makes a request's form explicit, as an extension and in the exact headers that tonic-web knows, and returns it. A
/// request in text has its body decoded by [`FromText`](super::text::FromText) then.
///
/// # Errors
///
/// Returns the answer to a request that is no gRPC call: 405 for a method other than POST, 415 for a content-type
/// that is not gRPC's, 505 for gRPC proper over HTTP/1.1, which has no trailers that a client would read.
pub(crate) fn normalize<B>(request: &mut Request<B>) -> Result<FrontProtocol, Box<Response<Body>>> {
    if request.method() != Method::POST {
        let mut answer = refusal(StatusCode::METHOD_NOT_ALLOWED, "gRPC is called with POST");
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        return Err(Box::new(answer));
    }
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let Some(protocol) = content_type.and_then(FrontProtocol::from_content_type) else {
        return Err(Box::new(refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "this path takes application/grpc, application/grpc-web+proto or application/grpc-web-text+proto",
        )));
    };
    if protocol == FrontProtocol::Grpc && request.version() < Version::HTTP_2 {
        return Err(Box::new(refusal(
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "gRPC needs HTTP/2; over HTTP/1.1 send application/grpc-web+proto",
        )));
    }
    let headers = request.headers_mut();
    // tonic-web goes by `accept` for the answer, which shall have the form of the request, whatever the client says.
    if protocol != FrontProtocol::Grpc {
        headers.insert(header::ACCEPT, protocol.content_type());
    }
    // What comes as text is binary from here on.
    let decoded = if protocol == FrontProtocol::GrpcWebText { FrontProtocol::GrpcWeb } else { protocol };
    headers.insert(header::CONTENT_TYPE, decoded.content_type());
    request.extensions_mut().insert(protocol);
    Ok(protocol)
}

/// Returns an answer in plain words, for what is no gRPC call and so cannot be given a gRPC status.
pub(crate) fn refusal(status: StatusCode, words: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::new(http_body_util::Full::from(format!("{words}\n"))));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(content_type: &str, version: Version) -> Request<()> {
        Request::post("/a.B/C").version(version).header("content-type", content_type).body(()).unwrap()
    }

    #[test]
    fn case_and_parameters_do_not_count() {
        for (content_type, protocol) in [
            ("application/grpc-web", FrontProtocol::GrpcWeb),
            ("application/grpc-web+proto; charset=utf-8", FrontProtocol::GrpcWeb),
            ("Application/GRPC-Web-Text", FrontProtocol::GrpcWebText),
            ("application/grpc-web-text+PROTO;a=b", FrontProtocol::GrpcWebText),
            ("application/grpc", FrontProtocol::Grpc),
            ("application/grpc+proto", FrontProtocol::Grpc),
        ] {
            let mut request = request(content_type, Version::HTTP_2);
            normalize(&mut request).unwrap_or_else(|_| panic!("{content_type}"));
            assert_eq!(request.extensions().get(), Some(&protocol), "{content_type}");
            if protocol != FrontProtocol::Grpc {
                assert_eq!(request.headers()["accept"], protocol.content_type());
                assert_eq!(request.headers()["content-type"], "application/grpc-web+proto");
            }
        }
    }

    #[test]
    fn each_refusal_has_its_status() {
        for (content_type, version, status) in [
            ("text/html", Version::HTTP_11, 415),
            ("application/grpc-web+json", Version::HTTP_11, 415),
            ("application/grpcfoo", Version::HTTP_2, 415),
            ("application/grpc", Version::HTTP_11, 505),
        ] {
            let refused = normalize(&mut request(content_type, version)).expect_err(content_type);
            assert_eq!(refused.status(), status, "{content_type}");
        }
        let refused = normalize(&mut Request::get("/a.B/C").body(()).unwrap()).expect_err("a GET");
        assert_eq!(
            (refused.status(), &refused.headers()["allow"]),
            (StatusCode::METHOD_NOT_ALLOWED, &HeaderValue::from_static("POST, OPTIONS"))
        );
    }
}
