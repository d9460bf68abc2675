//! Whether a request may be a call, by its method, content-type and HTTP version.

use drawbridge_core::{ContentType, Protocol};
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use tonic::body::Body;

use crate::plain_response::plain_response;

/// Which codecs a service accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codecs {
    /// Messages are protobuf: the codec is `proto` or not named.
    Protobuf,
    /// The same, and `json`.
    #[cfg_attr(not(feature = "json"), allow(dead_code))]
    ProtobufAndJson,
    /// Any: whatever is behind this server decodes the messages.
    Any,
}

/// Reads the content-type of a call.
///
/// # Errors
///
/// Returns the response to a request that is not a gRPC call: 405 for a method other than POST, 415 for another
/// content-type, 505 for native gRPC over HTTP/1.1, which has no trailers that a client would read.
pub(super) fn read<B>(request: &Request<B>, codecs: Codecs) -> Result<ContentType, Box<Response<Body>>> {
    if request.method() != Method::POST {
        let mut response = plain_response(StatusCode::METHOD_NOT_ALLOWED, "gRPC is called with POST");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        return Err(Box::new(response));
    }
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(ContentType::parse);
    let accepted = |content_type: &ContentType| match codecs {
        Codecs::Protobuf => content_type.is_protobuf(),
        Codecs::ProtobufAndJson => content_type.is_protobuf() || content_type.codec() == Some("json"),
        Codecs::Any => true,
    };
    let Some(content_type) = content_type.filter(accepted) else {
        return Err(Box::new(plain_response(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "this path takes application/grpc, application/grpc-web+proto or application/grpc-web-text+proto",
        )));
    };
    if content_type.protocol() == Protocol::Grpc && request.version() < Version::HTTP_2 {
        return Err(Box::new(plain_response(
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "gRPC needs HTTP/2; over HTTP/1.1 send application/grpc-web+proto",
        )));
    }
    Ok(content_type)
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
            ("application/grpc-web", Protocol::GrpcWeb),
            ("application/grpc-web+proto; charset=utf-8", Protocol::GrpcWeb),
            ("Application/GRPC-Web-Text", Protocol::GrpcWebText),
            ("application/grpc-web-text+PROTO;a=b", Protocol::GrpcWebText),
            ("application/grpc", Protocol::Grpc),
            ("application/grpc+proto", Protocol::Grpc),
        ] {
            let format = read(&request(content_type, Version::HTTP_2), Codecs::Protobuf)
                .unwrap_or_else(|_| panic!("{content_type}"));
            assert_eq!(format.protocol(), protocol, "{content_type}");
        }
    }

    #[test]
    fn each_refusal_has_its_status() {
        for (content_type, version, status) in [
            ("text/html", Version::HTTP_11, 415),
            ("application/grpc-web+json", Version::HTTP_11, 415),
            ("application/grpc-web+", Version::HTTP_11, 415),
            ("application/grpcfoo", Version::HTTP_2, 415),
            ("application/grpc", Version::HTTP_11, 505),
        ] {
            let refused = read(&request(content_type, version), Codecs::Protobuf).expect_err(content_type);
            assert_eq!(refused.status(), status, "{content_type}");
        }
        let refused = read(&Request::get("/a.B/C").body(()).unwrap(), Codecs::Protobuf).expect_err("a GET");
        assert_eq!(
            (refused.status(), &refused.headers()["allow"]),
            (StatusCode::METHOD_NOT_ALLOWED, &HeaderValue::from_static("POST, OPTIONS"))
        );
    }
}
