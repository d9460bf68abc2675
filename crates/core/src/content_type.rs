//! Content types of gRPC and gRPC-Web.

use std::borrow::Cow;

use http::HeaderValue;

use crate::Protocol;

/// The codec of protobuf messages.
const PROTO: &str = "proto";

/// A content type of gRPC or gRPC-Web: the protocol and the codec of the messages.
///
/// ```
/// use drawbridge_core::{ContentType, Protocol};
/// use http::HeaderValue;
///
/// let request = ContentType::parse(&HeaderValue::from_static("application/grpc-web+json; charset=utf-8")).unwrap();
/// assert_eq!((request.protocol(), request.codec()), (Protocol::GrpcWeb, Some("json")));
/// assert_eq!(request.for_service(), "application/grpc+json");
/// assert_eq!(ContentType::parse(&HeaderValue::from_static("application/json")), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    protocol: Protocol,
    /// The codec behind the `+`, if there is one, in lower case.
    codec: Option<Cow<'static, str>>,
}

impl ContentType {
    /// Parses a `content-type` header. Letter case and parameters are ignored, as HTTP defines.
    ///
    /// Returns `None` if the media type is not one of gRPC, or if it has a `+` and no codec of visible ASCII characters behind it.
    pub fn parse(value: &HeaderValue) -> Option<Self> {
        // The spellings that clients send most are compared whole. Others take longer to parse.
        let (protocol, codec) = match value.as_bytes() {
            b"application/grpc" => (Protocol::Grpc, None),
            b"application/grpc-web+proto" => (Protocol::GrpcWeb, Some(Cow::Borrowed(PROTO))),
            b"application/grpc-web-text" => (Protocol::GrpcWebText, None),
            _ => {
                let (protocol, codec) = split(value.as_bytes())?;
                let codec = codec.map(|codec| String::from_utf8_lossy(codec).to_ascii_lowercase().into());
                (protocol, codec)
            }
        };
        Some(Self { protocol, codec })
    }

    /// Parses only the protocol of a `content-type` header, without memory for the codec.
    pub fn parse_protocol(value: &HeaderValue) -> Option<Protocol> {
        split(value.as_bytes()).map(|(protocol, _)| protocol)
    }

    /// Returns the protocol.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Returns the codec behind the `+` in lower case, or `None` if the content type names none.
    pub fn codec(&self) -> Option<&str> {
        self.codec.as_deref()
    }

    /// Returns whether the messages are protobuf: the codec is `proto` or not named.
    pub fn is_protobuf(&self) -> bool {
        matches!(self.codec(), None | Some(PROTO))
    }

    /// Returns the content type of the same call as gRPC over HTTP/2, which a service or upstream receives.
    pub fn for_service(&self) -> HeaderValue {
        let grpc = Protocol::Grpc.media_type();
        match self.codec() {
            None => HeaderValue::from_static(grpc),
            Some(PROTO) => HeaderValue::from_static("application/grpc+proto"),
            Some(codec) => with_codec(grpc, codec),
        }
    }

    /// Returns the content type of the response to a request of this content type: the request's protocol, with the
    /// codec that the service's response names. If that names none, the codec is the request's.
    pub fn for_caller(&self, response: Option<&HeaderValue>) -> HeaderValue {
        let named = response.and_then(Self::parse).and_then(|response| response.codec);
        match (named.as_deref().or(self.codec()), self.protocol) {
            (None | Some(PROTO), Protocol::GrpcWeb) => HeaderValue::from_static("application/grpc-web+proto"),
            (None | Some(PROTO), Protocol::GrpcWebText) => {
                HeaderValue::from_static("application/grpc-web-text+proto")
            }
            (None | Some(PROTO), protocol) => HeaderValue::from_static(protocol.media_type()),
            (Some(codec), protocol) => with_codec(protocol.media_type(), codec),
        }
    }
}

/// Splits a content type into its protocol and its codec, in the case in which it was sent.
fn split(content_type: &[u8]) -> Option<(Protocol, Option<&[u8]>)> {
    let media_type = content_type.split(|byte| *byte == b';').next()?.trim_ascii();
    let plus = media_type.iter().position(|byte| *byte == b'+');
    let (base, codec) = match plus {
        Some(plus) => (&media_type[..plus], Some(&media_type[plus + 1..])),
        None => (media_type, None),
    };
    let protocol = [Protocol::Grpc, Protocol::GrpcWeb, Protocol::GrpcWebText]
        .into_iter()
        .find(|protocol| protocol.media_type().as_bytes().eq_ignore_ascii_case(base))?;
    let is_codec = |codec: &[u8]| !codec.is_empty() && codec.iter().all(u8::is_ascii_graphic);
    codec.is_none_or(is_codec).then_some((protocol, codec))
}

fn with_codec(media_type: &'static str, codec: &str) -> HeaderValue {
    // The codec was read from a header, so it can be written to one.
    HeaderValue::try_from(format!("{media_type}+{codec}")).unwrap_or(HeaderValue::from_static(media_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static str) -> Option<ContentType> {
        ContentType::parse(&HeaderValue::from_static(text))
    }

    #[test]
    fn case_and_parameters_are_ignored() {
        for (text, protocol, codec) in [
            ("application/grpc-web", Protocol::GrpcWeb, None),
            ("application/grpc-web+proto; charset=utf-8", Protocol::GrpcWeb, Some("proto")),
            ("Application/GRPC-Web-Text", Protocol::GrpcWebText, None),
            ("application/grpc-web-text+PROTO;a=b", Protocol::GrpcWebText, Some("proto")),
            ("application/grpc", Protocol::Grpc, None),
            ("application/grpc+proto", Protocol::Grpc, Some("proto")),
            ("application/grpc-web+Json", Protocol::GrpcWeb, Some("json")),
        ] {
            let content_type = parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((content_type.protocol(), content_type.codec()), (protocol, codec), "{text}");
            assert_eq!(
                ContentType::parse_protocol(&HeaderValue::from_static(text)),
                Some(protocol),
                "{text}"
            );
            assert_eq!(content_type.is_protobuf(), codec != Some("json"), "{text}");
        }
    }

    #[test]
    fn opaque_bytes_may_be_in_a_parameter_and_not_in_a_codec() {
        for (bytes, protocol) in [
            (&b"application/grpc-web; a=\xff"[..], Some(Protocol::GrpcWeb)),
            (b"application/grpc-web+\xff", None),
        ] {
            let value = HeaderValue::from_bytes(bytes).expect("a value");
            assert_eq!(ContentType::parse(&value).map(|parsed| parsed.protocol()), protocol);
            assert_eq!(ContentType::parse_protocol(&value), protocol);
        }
    }

    #[test]
    fn other_content_types_are_rejected() {
        for text in [
            "",
            "text/html",
            "application/json",
            "application/grpc-web+",
            "application/grpc-web+ json",
            "application/grpcfoo",
            "application/grpc-webby",
            "application/grpc-web-texts",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn codecs_are_kept_in_both_directions() {
        for (request, response, for_service, for_caller) in [
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
            let content_type = parse(request).unwrap_or_else(|| panic!("{request}"));
            let response = response.map(HeaderValue::from_static);
            assert_eq!(content_type.for_service(), for_service, "{request}");
            assert_eq!(content_type.for_caller(response.as_ref()), for_caller, "{request}");
        }
    }

    #[test]
    fn fuzz_the_protocol_and_the_codec_survive_each_direction() {
        let check = bolero::check!().with_type::<(u8, Vec<u8>)>();
        check.with_iterations(50_000).for_each(|(kind, rest)| {
            let starts = ["", "application/grpc", "Application/grpc-web", "application/GRPC-web-text"];
            let plus = if kind & 4 == 0 { "+" } else { "" };
            let text = [starts[usize::from(kind % 4)].as_bytes(), plus.as_bytes(), rest].concat();
            let Ok(value) = HeaderValue::from_bytes(&text) else { return };
            let parsed = ContentType::parse(&value);
            let protocol = parsed.as_ref().map(ContentType::protocol);
            assert_eq!(ContentType::parse_protocol(&value), protocol);
            let Some(parsed) = parsed else { return };
            let service = ContentType::parse(&parsed.for_service()).unwrap();
            assert_eq!((service.protocol(), service.codec()), (Protocol::Grpc, parsed.codec()));
            let caller = ContentType::parse(&parsed.for_caller(None)).unwrap();
            assert_eq!(caller.protocol(), parsed.protocol());
            assert_eq!(caller.codec().unwrap_or(PROTO), parsed.codec().unwrap_or(PROTO));
        });
    }
}
