//! Which of gRPC's three forms a request speaks.
//!
//! The content-type is read as HTTP defines it: letter case and parameters do not count. What is no gRPC is refused with
//! a status that says what would be right. An answer has the form of its request, whatever that one accepts besides.

use std::borrow::Cow;
use std::fmt;

use axum::body::Body as AxumBody;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};

/// The form of gRPC that a caller speaks to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FrontProtocol {
    /// gRPC over HTTP/2.
    #[default]
    Grpc,
    /// gRPC-Web, binary.
    GrpcWeb,
    /// gRPC-Web in base64.
    GrpcWebText,
}

impl FrontProtocol {
    /// Returns the media type, without a codec.
    const fn media_type(self) -> &'static str {
        match self {
            Self::Grpc => "application/grpc",
            Self::GrpcWeb => "application/grpc-web",
            Self::GrpcWebText => "application/grpc-web-text",
        }
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

/// Which codecs a service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codecs {
    /// Messages are protobuf, and so the codec is `proto` or left out.
    Protobuf,
    /// Any: the messages are somebody else's to read.
    Any,
}

/// What a request speaks: the form, and the codec of its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) protocol: FrontProtocol,
    /// The codec behind the `+`, if it is named, in lower case.
    codec: Option<Cow<'static, str>>,
}

/// The codec of protobuf messages.
const PROTO: &str = "proto";

impl Spoken {
    fn read(content_type: &HeaderValue) -> Option<Self> {
        // As clients write it. Any other spelling takes longer to read.
        let (protocol, codec) = match content_type.as_bytes() {
            b"application/grpc" => (FrontProtocol::Grpc, None),
            b"application/grpc-web+proto" => (FrontProtocol::GrpcWeb, Some(PROTO)),
            b"application/grpc-web-text" => (FrontProtocol::GrpcWebText, None),
            _ => return Self::read_text(content_type.to_str().ok()?),
        };
        Some(Self { protocol, codec: codec.map(Cow::Borrowed) })
    }

    fn read_text(content_type: &str) -> Option<Self> {
        let media_type = content_type.split(';').next()?.trim();
        let (form, codec) = media_type.split_once('+').map_or((media_type, None), |(f, c)| (f, Some(c)));
        let protocol = [FrontProtocol::Grpc, FrontProtocol::GrpcWeb, FrontProtocol::GrpcWebText]
            .into_iter()
            .find(|protocol| protocol.media_type().eq_ignore_ascii_case(form))?;
        // A codec without a name is none.
        (codec != Some(""))
            .then(|| Self { protocol, codec: codec.map(|codec| codec.to_ascii_lowercase().into()) })
    }

    /// Returns the content-type that the service gets.
    pub(crate) fn for_the_service(&self) -> HeaderValue {
        let grpc = FrontProtocol::Grpc.media_type();
        match self.codec.as_deref() {
            None => HeaderValue::from_static(grpc),
            Some(PROTO) => HeaderValue::from_static("application/grpc+proto"),
            Some(codec) => with_codec(grpc, codec),
        }
    }

    /// Returns the content-type that the caller gets, in its own form and with the codec that the service's content-type
    /// names. Where that names none, the codec is the request's.
    pub(crate) fn for_the_caller(&self, answered: Option<&HeaderValue>) -> HeaderValue {
        let named = answered.and_then(Self::read).and_then(|answer| answer.codec);
        match (named.as_deref().or(self.codec.as_deref()), self.protocol) {
            (None | Some(PROTO), FrontProtocol::Grpc) => HeaderValue::from_static("application/grpc"),
            (None | Some(PROTO), FrontProtocol::GrpcWeb) => {
                HeaderValue::from_static("application/grpc-web+proto")
            }
            (None | Some(PROTO), FrontProtocol::GrpcWebText) => {
                HeaderValue::from_static("application/grpc-web-text+proto")
            }
            (Some(codec), protocol) => with_codec(protocol.media_type(), codec),
        }
    }
}

fn with_codec(media_type: &'static str, codec: &str) -> HeaderValue {
    // What was read from a header's text can be written into one.
    HeaderValue::try_from(format!("{media_type}+{codec}")).unwrap_or(HeaderValue::from_static(media_type))
}

/// Reads what a request speaks.
///
/// # Errors
///
/// Returns the answer to a request that is no gRPC call: 405 for a method other than POST, 415 for a content-type
/// that is not gRPC's, 505 for gRPC proper over HTTP/1.1, which has no trailers that a client would read.
pub(crate) fn read<B>(request: &Request<B>, codecs: Codecs) -> Result<Spoken, Box<Response<AxumBody>>> {
    if request.method() != Method::POST {
        let mut answer = refusal(StatusCode::METHOD_NOT_ALLOWED, "gRPC is called with POST");
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        return Err(Box::new(answer));
    }
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let taken =
        |spoken: &Spoken| codecs == Codecs::Any || matches!(spoken.codec.as_deref(), None | Some(PROTO));
    let Some(spoken) = content_type.and_then(Spoken::read).filter(taken) else {
        return Err(Box::new(refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "this path takes application/grpc, application/grpc-web+proto or application/grpc-web-text+proto",
        )));
    };
    if spoken.protocol == FrontProtocol::Grpc && request.version() < Version::HTTP_2 {
        return Err(Box::new(refusal(
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "gRPC needs HTTP/2; over HTTP/1.1 send application/grpc-web+proto",
        )));
    }
    Ok(spoken)
}

/// Returns an answer in plain words, for what is no gRPC call and so cannot be given a gRPC status.
pub(crate) fn refusal(status: StatusCode, words: &'static str) -> Response<AxumBody> {
    let mut response = Response::new(AxumBody::from(Bytes::from(format!("{words}\n"))));
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
            let spoken = read(&request(content_type, Version::HTTP_2), Codecs::Protobuf)
                .unwrap_or_else(|_| panic!("{content_type}"));
            assert_eq!(spoken.protocol, protocol, "{content_type}");
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

    #[test]
    fn a_codec_goes_through_to_a_service_that_takes_any_and_back() {
        for (content_type, answered, for_service, for_caller) in [
            (
                "application/grpc-web+json",
                Some("application/grpc+json"),
                "application/grpc+json",
                "application/grpc-web+json",
            ),
            (
                "application/grpc-web-text+foo",
                Some("application/grpc"),
                "application/grpc+foo",
                "application/grpc-web-text+foo",
            ),
            ("application/grpc-web+json", None, "application/grpc+json", "application/grpc-web+json"),
            (
                "application/grpc-web",
                Some("application/grpc+thrift"),
                "application/grpc",
                "application/grpc-web+thrift",
            ),
            (
                "application/grpc-web",
                Some("application/grpc+proto"),
                "application/grpc",
                "application/grpc-web+proto",
            ),
            ("application/grpc+proto", None, "application/grpc+proto", "application/grpc"),
        ] {
            let spoken = read(&request(content_type, Version::HTTP_2), Codecs::Any)
                .unwrap_or_else(|_| panic!("{content_type}"));
            let answered = answered.map(HeaderValue::from_static);
            assert_eq!(spoken.for_the_service(), for_service, "{content_type}");
            assert_eq!(spoken.for_the_caller(answered.as_ref()), for_caller, "{content_type}");
        }
    }
}
