//! Calls by GET, whose message is in the query.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use drawbridge_core::connect::{Codec, ContentType};
use drawbridge_core::headers::GRPC_TIMEOUT;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use tonic::Code;
use tonic::body::Body;

use super::error::ConnectError;
use super::query_fields;
use super::request_head::{PROTOCOL_VERSION, VERSION_1};
use crate::query_message::QueryMessage;

/// Decodes base64 for URLs, with or without padding.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Makes a GET request the POST request of the same call. In a query of Connect, which has `encoding` or `connect`, each part says what the
/// headers and the body of a POST do; other parts are ignored. Any other query has the fields of the message, for clients that know
/// neither Connect nor protobuf, and the message becomes JSON.
///
/// Returns `None` if the query names an encoding that is not known.
///
/// # Errors
///
/// Returns the error of the call if the query is malformed.
pub(super) fn into_post(request: Request<Body>) -> Result<Option<Request<Body>>, ConnectError> {
    let (mut head, _) = request.into_parts();
    let text = head.uri.query().unwrap_or_default();
    let query = Query::parse(text)?;
    let (codec, message) = if query.is_connect() {
        let Some(codec) = query.encoding.as_deref().and_then(Codec::parse) else { return Ok(None) };
        (codec, query.message()?)
    } else {
        head.extensions.insert(QueryMessage);
        (Codec::Json, query_fields::to_json(text)?.into())
    };
    let headers = &mut head.headers;
    for (name, value) in [
        (header::CONTENT_ENCODING, query.compression.as_deref()),
        (GRPC_TIMEOUT, query.timeout.as_deref()),
        (PROTOCOL_VERSION, query.version()?),
    ] {
        headers.remove(&name);
        if let Some(value) = value {
            let value = value_of(&name, value)?;
            headers.insert(name, value);
        }
    }
    let content_type = ContentType { codec, is_stream: false }.media_type();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    head.method = Method::POST;
    head.uri = without_query(&head.uri);
    Ok(Some(Request::from_parts(head, Body::new(Full::from(message)))))
}

/// The parts of a query.
#[derive(Debug, Default)]
struct Query<'a> {
    message: Cow<'a, [u8]>,
    encoding: Option<Cow<'a, str>>,
    base64: Option<Cow<'a, str>>,
    compression: Option<Cow<'a, str>>,
    connect: Option<Cow<'a, str>>,
    /// A timeout, which a client without headers can set only here. No field of a message has a hyphen.
    timeout: Option<Cow<'a, str>>,
}

impl<'a> Query<'a> {
    fn parse(query: &'a str) -> Result<Self, ConnectError> {
        let mut parsed = Self::default();
        for part in query.split('&') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let text = || text(name, value).map(Some);
            match name {
                "message" => parsed.message = decode(value),
                "encoding" => parsed.encoding = text()?,
                "base64" => parsed.base64 = text()?,
                "compression" => parsed.compression = text()?,
                "connect" => parsed.connect = text()?,
                "grpc-timeout" => parsed.timeout = text()?,
                _ => {}
            }
        }
        Ok(parsed)
    }

    fn is_connect(&self) -> bool {
        self.encoding.is_some() || self.connect.is_some()
    }

    fn message(&self) -> Result<Bytes, ConnectError> {
        match self.base64.as_deref() {
            None | Some("0") => Ok(Bytes::copy_from_slice(&self.message)),
            Some("1") => URL_SAFE.decode(&self.message).map(Bytes::from).map_err(|error| {
                invalid(format!("the message in the query is not base64 for URLs: {error}"))
            }),
            Some(other) => Err(invalid(format!("base64={other:?} is not known: expected 1"))),
        }
    }

    /// Returns the version of the protocol, as its header has it.
    fn version(&self) -> Result<Option<&'static str>, ConnectError> {
        match self.connect.as_deref() {
            None => Ok(None),
            Some("v1") => Ok(Some(VERSION_1)),
            Some(other) => Err(invalid(format!("connect={other:?} is not known: expected v1"))),
        }
    }
}

/// Decodes a value of a query.
fn decode(value: &str) -> Cow<'_, [u8]> {
    if !value.contains(['+', '%']) {
        return Cow::Borrowed(value.as_bytes());
    }
    let spaced = value.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).collect())
}

fn text<'a>(name: &str, value: &'a str) -> Result<Cow<'a, str>, ConnectError> {
    let decoded = match decode(value) {
        Cow::Borrowed(_) => Some(Cow::Borrowed(value)),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    };
    decoded.ok_or_else(|| invalid(format!("the value of {name} in the query is not UTF-8")))
}

fn value_of(name: &HeaderName, value: &str) -> Result<HeaderValue, ConnectError> {
    value.parse().map_err(|_| invalid(format!("{value:?} in the query is no value of {name}")))
}

fn without_query(uri: &Uri) -> Uri {
    let mut parts = uri.clone().into_parts();
    // A path without its query is one.
    parts.path_and_query = uri.path().parse().ok();
    Uri::from_parts(parts).unwrap_or_default()
}

fn invalid(message: String) -> ConnectError {
    ConnectError::new(Code::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn into(query: &str) -> Result<Option<Request<Body>>, ConnectError> {
        into_post(Request::get(format!("https://localhost/a.B/C{query}")).body(Body::empty()).unwrap())
    }

    async fn message(query: &str) -> Vec<u8> {
        into(query).unwrap().unwrap().into_body().collect().await.unwrap().to_bytes().to_vec()
    }

    #[tokio::test]
    async fn the_query_becomes_headers_and_body() {
        let query =
            "?connect=v1&encoding=json&compression=gzip&grpc-timeout=5S&message=%7B%7D+%ff&unknown=%ff";
        let request = into(query).unwrap().unwrap();
        assert_eq!(
            (request.method(), request.uri()),
            (&Method::POST, &Uri::from_static("https://localhost/a.B/C"))
        );
        for (name, value) in [
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
            ("grpc-timeout", "5S"),
            ("connect-protocol-version", "1"),
        ] {
            assert_eq!(request.headers()[name], value, "{name}");
        }
        assert_eq!(message(query).await, b"{} \xff");
    }

    #[tokio::test]
    async fn base64_is_that_of_urls_and_its_padding_is_optional() {
        for text in ["-_8", "-_8=", "-_8%3D", "-_8%3d"] {
            assert_eq!(
                message(&format!("?encoding=proto&base64=1&message={text}")).await,
                [0xfb, 0xff],
                "{text}"
            );
        }
        for text in ["+/8", "a", "-_8=x"] {
            let error = into(&format!("?encoding=proto&base64=1&message={text}")).unwrap_err().to_json();
            assert!(error.contains("base64"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_message_may_be_absent() {
        for query in ["?encoding=proto", "?encoding=proto&message", "?encoding=proto&message=&base64=1"] {
            assert_eq!(message(query).await, b"", "{query}");
        }
    }

    #[test]
    fn an_unknown_encoding_is_no_call() {
        for query in ["?encoding", "?encoding=text", "?connect=v1&message=a"] {
            assert!(into(query).unwrap().is_none(), "{query}");
        }
    }

    #[tokio::test]
    async fn any_other_query_has_the_fields_of_the_message() {
        for (query, json) in [("", "{}"), ("?", "{}"), ("?key=k1&grpc-timeout=5S", r#"{"key":"k1"}"#)] {
            let request = into(query).unwrap().unwrap();
            assert_eq!(request.headers()["content-type"], "application/json");
            assert_eq!(request.headers().contains_key("grpc-timeout"), query.contains("timeout"));
            assert_eq!(message(query).await, json.as_bytes());
        }
    }

    #[test]
    fn malformed_parts_are_invalid_arguments() {
        for part in
            ["connect=v2", "connect", "base64=2", "compression=%ff", "compression=%0a", "grpc-timeout=%0a"]
        {
            let error = into(&format!("?encoding=proto&{part}")).unwrap_err().to_json();
            assert!(error.contains("invalid_argument"), "{part}: {error}");
        }
    }
}
