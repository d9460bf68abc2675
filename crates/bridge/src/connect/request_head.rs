//! The head of a request.

use drawbridge_core::Protocol;
use drawbridge_core::connect::{Codec, ContentType, parse_timeout};
use drawbridge_core::headers::{GRPC_ENCODING, GRPC_TIMEOUT};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use tonic::Code;

use super::encodings::{is_compression, take_accepted};
use super::error::ConnectError;
use super::names::{take, which};

pub(super) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("connect-protocol-version");
/// The only version.
pub(super) const VERSION_1: &str = "1";

const TIMEOUT_MS: HeaderName = HeaderName::from_static("connect-timeout-ms");
const CONTENT_ENCODING: HeaderName = HeaderName::from_static("connect-content-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("connect-accept-encoding");
pub(super) const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Makes the headers of a Connect request those of a gRPC request, and returns the protocol of the caller.
///
/// # Errors
///
/// Returns the error of the call if the protocol's version or the timeout is malformed.
pub(super) fn translate(
    headers: &mut HeaderMap,
    content_type: ContentType,
) -> Result<Protocol, ConnectError> {
    let (encoding, accepted) = if content_type.is_stream {
        (&CONTENT_ENCODING, &ACCEPT_ENCODING)
    } else {
        (&header::CONTENT_ENCODING, &header::ACCEPT_ENCODING)
    };
    let [has_version, has_timeout, has_encoding, has_accepted] =
        which(headers, [&PROTOCOL_VERSION, &TIMEOUT_MS, encoding, accepted]);
    let protocol = protocol(content_type, take(headers, has_version, &PROTOCOL_VERSION).as_ref())?;
    let timeout =
        take(headers, has_timeout, &TIMEOUT_MS).map(|timeout| grpc_timeout(&timeout)).transpose()?;
    let encoding = take(headers, has_encoding, encoding).filter(is_compression);
    let accepted = if has_accepted { take_accepted(headers, accepted) } else { None };
    remove_untranslated(headers);
    for (name, value) in
        [(GRPC_TIMEOUT, timeout), (GRPC_ENCODING, encoding), (GRPC_ACCEPT_ENCODING, accepted)]
    {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type.for_service()));
    Ok(protocol)
}

/// Removes what a Connect request has and gRPC has not, and what only a gRPC request may say.
fn remove_untranslated(headers: &mut HeaderMap) {
    let names = [&header::CONTENT_LENGTH, &header::ACCEPT_ENCODING, &GRPC_ENCODING, &GRPC_ACCEPT_ENCODING];
    for (name, is_there) in names.into_iter().zip(which(headers, names)) {
        take(headers, is_there, name);
    }
}

/// Checks the version of the protocol. A unary request of JSON without a version may come from a client that does not know Connect.
fn protocol(content_type: ContentType, version: Option<&HeaderValue>) -> Result<Protocol, ConnectError> {
    match version {
        Some(version) if version != VERSION_1 => {
            let message = format!("connect-protocol-version {version:?} is not known: expected {VERSION_1}");
            Err(ConnectError::new(Code::InvalidArgument, message))
        }
        _ if content_type.is_stream => Ok(Protocol::ConnectStream),
        None if content_type.codec == Codec::Json => Ok(Protocol::Json),
        _ => Ok(Protocol::Connect),
    }
}

fn grpc_timeout(value: &HeaderValue) -> Result<HeaderValue, ConnectError> {
    let invalid = |message: String| ConnectError::new(Code::InvalidArgument, message);
    let timeout = parse_timeout(&String::from_utf8_lossy(value.as_bytes()))
        .map_err(|error| invalid(error.to_string()))?;
    HeaderValue::try_from(timeout.to_string()).map_err(|error| invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNARY: ContentType = ContentType { codec: Codec::Proto, is_stream: false };
    const JSON: ContentType = ContentType { codec: Codec::Json, is_stream: false };
    const STREAM: ContentType = ContentType { codec: Codec::Json, is_stream: true };

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_unary_request_becomes_grpc() {
        let mut request = headers(&[
            ("content-type", "application/proto"),
            ("content-length", "5"),
            ("content-encoding", "gzip"),
            ("accept-encoding", "gzip;q=0.5, br"),
            ("connect-timeout-ms", "1500"),
            ("connect-protocol-version", "1"),
            ("grpc-encoding", "zstd"),
            ("grpc-timeout", "1n"),
            ("x-shelf", "7"),
            ("x-shelf", "8"),
        ]);
        assert_eq!(translate(&mut request, UNARY), Ok(Protocol::Connect));
        let expected = headers(&[
            ("content-type", "application/grpc+proto"),
            ("grpc-encoding", "gzip"),
            ("grpc-accept-encoding", "gzip,br"),
            ("grpc-timeout", "1500000u"),
            ("x-shelf", "7"),
            ("x-shelf", "8"),
        ]);
        assert_eq!(request, expected);
    }

    #[test]
    fn a_stream_names_its_compressions_in_headers_of_connect() {
        let mut request = headers(&[
            ("content-type", "application/connect+json"),
            ("accept-encoding", "br"),
            ("connect-content-encoding", "gzip"),
            ("connect-accept-encoding", "gzip, zstd"),
        ]);
        assert_eq!(translate(&mut request, STREAM), Ok(Protocol::ConnectStream));
        let expected = headers(&[
            ("content-type", "application/grpc+json"),
            ("grpc-encoding", "gzip"),
            ("grpc-accept-encoding", "gzip,zstd"),
        ]);
        assert_eq!(request, expected);
    }

    #[test]
    fn json_without_a_version_is_no_client_of_connect() {
        let version = headers(&[("connect-protocol-version", "1")]);
        for (content_type, without) in
            [(UNARY, Protocol::Connect), (JSON, Protocol::Json), (STREAM, Protocol::ConnectStream)]
        {
            assert_eq!(translate(&mut HeaderMap::new(), content_type), Ok(without));
            let with = translate(&mut version.clone(), content_type).unwrap();
            assert_ne!(with, Protocol::Json);
            assert!(with.ignores_unknown_fields());
        }
    }

    #[test]
    fn a_malformed_version_or_timeout_is_an_error_that_quotes_it() {
        for (name, value) in [
            ("connect-protocol-version", "2"),
            ("connect-protocol-version", ""),
            ("connect-timeout-ms", "1s"),
            ("connect-timeout-ms", ""),
        ] {
            let error = translate(&mut headers(&[(name, value)]), UNARY).unwrap_err().to_json();
            assert!(error.starts_with(r#"{"code":"invalid_argument""#), "{error}");
            assert!(error.contains(name) && error.contains(&format!("\\\"{value}\\\"")), "{error}");
        }
    }
}
