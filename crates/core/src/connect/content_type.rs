//! Content types of Connect requests.

use http::HeaderValue;

/// How the messages of a Connect call are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Protobuf's binary format.
    Proto,
    /// Protobuf's JSON format.
    Json,
}

impl Codec {
    /// Parses the name of a codec, as in the `encoding` of a GET request.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "proto" => Some(Self::Proto),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// A content type of Connect: the codec of the messages, and whether they are a stream.
///
/// ```
/// use drawbridge_core::connect::{Codec, ContentType};
/// use http::HeaderValue;
///
/// let request = ContentType::parse(&HeaderValue::from_static("application/connect+json")).unwrap();
/// assert_eq!((request.codec, request.is_stream), (Codec::Json, true));
/// assert_eq!(request.for_service(), "application/grpc+json");
/// assert_eq!(ContentType::parse(&HeaderValue::from_static("text/plain")), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentType {
    /// The codec of the messages.
    pub codec: Codec,
    /// Whether the body is a stream of frames. Otherwise it is one message.
    pub is_stream: bool,
}

const ALL: [ContentType; 4] = [
    ContentType { codec: Codec::Proto, is_stream: false },
    ContentType { codec: Codec::Json, is_stream: false },
    ContentType { codec: Codec::Proto, is_stream: true },
    ContentType { codec: Codec::Json, is_stream: true },
];

impl ContentType {
    /// Parses a `content-type` header. Letter case is ignored, and so are parameters, except for a `charset` other than UTF-8.
    ///
    /// Returns `None` if Connect has no such content type.
    pub fn parse(value: &HeaderValue) -> Option<Self> {
        // The spellings that clients send are compared whole. Others take longer to parse.
        if let Some(found) = ALL.into_iter().find(|each| each.media_type().as_bytes() == value.as_bytes()) {
            return Some(found);
        }
        let mut parts = value.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let media_type = parts.next()?;
        let found =
            ALL.into_iter().find(|each| each.media_type().as_bytes().eq_ignore_ascii_case(media_type))?;
        parts.all(is_utf8_or_no_charset).then_some(found)
    }

    /// Returns the media type, such as `application/connect+proto`.
    pub const fn media_type(self) -> &'static str {
        match (self.is_stream, self.codec) {
            (false, Codec::Proto) => "application/proto",
            (false, Codec::Json) => "application/json",
            (true, Codec::Proto) => "application/connect+proto",
            (true, Codec::Json) => "application/connect+json",
        }
    }

    /// Returns the content type of the same call as gRPC, which a service or upstream receives.
    pub const fn for_service(self) -> &'static str {
        match self.codec {
            Codec::Proto => "application/grpc+proto",
            Codec::Json => "application/grpc+json",
        }
    }
}

/// Returns whether a parameter of a content type allows the body to be UTF-8.
fn is_utf8_or_no_charset(parameter: &[u8]) -> bool {
    let mut parts = parameter.splitn(2, |byte| *byte == b'=').map(<[u8]>::trim_ascii);
    let is_charset = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(b"charset"));
    let value = parts.next().unwrap_or_default();
    let unquoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    !is_charset || [&b"utf-8"[..], b"utf8"].iter().any(|name| name.eq_ignore_ascii_case(unquoted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static str) -> Option<&'static str> {
        ContentType::parse(&HeaderValue::from_static(text)).map(ContentType::media_type)
    }

    #[test]
    fn case_and_parameters_are_ignored() {
        for (text, media_type) in [
            ("application/proto", "application/proto"),
            ("APPLICATION/Json", "application/json"),
            ("application/json; charset=utf-8", "application/json"),
            ("application/json;charset=\"UTF-8\" ; a=b", "application/json"),
            ("application/connect+proto;charset=utf8", "application/connect+proto"),
            ("application/connect+JSON", "application/connect+json"),
        ] {
            assert_eq!(parse(text), Some(media_type), "{text}");
        }
    }

    #[test]
    fn other_content_types_are_rejected() {
        for text in [
            "",
            "text/plain",
            "application/grpc",
            "application/protobuf",
            "application/jsonp",
            "application/connect",
            "application/connect+",
            "application/connect+foo",
            "application/json; charset=iso-8859-1",
            "application/json; charset",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_service_receives_the_codec() {
        for each in ALL {
            let codec = each.media_type().rsplit(['/', '+']).next().unwrap();
            assert_eq!(each.for_service(), format!("application/grpc+{codec}"));
            assert_eq!(Codec::parse(codec), Some(each.codec));
        }
        assert_eq!(Codec::parse("JSON"), None);
    }
}
