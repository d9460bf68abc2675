//! The head of a response.

use drawbridge_core::connect::ContentType;
use drawbridge_core::headers::{
    GRPC_ENCODING, GRPC_MESSAGE, GRPC_STATUS, GRPC_STATUS_DETAILS_BIN, X_REQUEST_ID,
};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::encodings::is_compression;
use super::error::is_status;
use super::names::{take, which};

const CONTENT_ENCODING: HeaderName = HeaderName::from_static("connect-content-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("connect-accept-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Makes the headers of a gRPC response those of a Connect response, and returns the compression of its messages.
pub(super) fn translate(headers: &mut HeaderMap, content_type: ContentType) -> Option<HeaderValue> {
    let names = [
        &GRPC_ENCODING,
        &GRPC_ACCEPT_ENCODING,
        &GRPC_STATUS,
        &GRPC_MESSAGE,
        &GRPC_STATUS_DETAILS_BIN,
        &header::TRAILER,
        &header::CONTENT_LENGTH,
    ];
    let [has_encoding, has_accepted, others @ ..] = which(headers, names);
    let encoding = take(headers, has_encoding, &GRPC_ENCODING).filter(is_compression);
    let accepted = take(headers, has_accepted, &GRPC_ACCEPT_ENCODING);
    for (name, is_there) in names.into_iter().skip(2).zip(others) {
        take(headers, is_there, name);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type.media_type()));
    let accepts = if content_type.is_stream { ACCEPT_ENCODING } else { header::ACCEPT_ENCODING };
    if let Some(accepted) = accepted {
        headers.insert(accepts, accepted);
    }
    if content_type.is_stream
        && let Some(encoding) = &encoding
    {
        headers.insert(CONTENT_ENCODING, encoding.clone());
    }
    encoding
}

/// Adds the trailers of a unary call to its headers, without the status.
pub(super) fn add_trailers(headers: &mut HeaderMap, trailers: &HeaderMap) {
    for name in trailers.keys().filter(|name| !is_status(name)) {
        // A name with a prefix is a name.
        let Ok(prefixed) = HeaderName::try_from(format!("trailer-{name}")) else { continue };
        for value in trailers.get_all(name) {
            headers.append(prefixed.clone(), value.clone());
        }
    }
}

/// Splits the headers of a trailers-only response into those of the response to a stream, and its trailers.
pub(super) fn split_trailers(headers: HeaderMap) -> (HeaderMap, HeaderMap) {
    let mut trailers = headers;
    let mut head = HeaderMap::new();
    for name in [header::CONTENT_TYPE, header::DATE, header::SERVER] {
        if let Some(value) = trailers.remove(&name) {
            head.insert(name, value);
        }
    }
    if let Some(id) = trailers.get(&X_REQUEST_ID) {
        head.insert(X_REQUEST_ID, id.clone());
    }
    for name in [GRPC_ENCODING, GRPC_ACCEPT_ENCODING] {
        if let Some(value) = trailers.remove(&name) {
            head.insert(name, value);
        }
    }
    (head, trailers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use drawbridge_core::connect::Codec;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn translated(is_stream: bool) -> (HeaderMap, Option<HeaderValue>) {
        let mut response = headers(&[
            ("content-type", "application/grpc"),
            ("content-length", "9"),
            ("trailer", "grpc-status"),
            ("grpc-encoding", "gzip"),
            ("grpc-accept-encoding", "gzip,zstd"),
            ("grpc-status", "0"),
            ("grpc-message", "x"),
            ("x-shelf", "7"),
            ("x-shelf", "8"),
        ]);
        let encoding = translate(&mut response, ContentType { codec: Codec::Proto, is_stream });
        (response, encoding)
    }

    #[test]
    fn a_unary_response_keeps_its_metadata() {
        let (response, encoding) = translated(false);
        let expected = [
            ("content-type", "application/proto"),
            ("accept-encoding", "gzip,zstd"),
            ("x-shelf", "7"),
            ("x-shelf", "8"),
        ];
        assert_eq!((response, encoding), (headers(&expected), Some(HeaderValue::from_static("gzip"))));
    }

    #[test]
    fn a_stream_names_its_compressions_in_headers_of_connect() {
        let expected = [
            ("content-type", "application/connect+proto"),
            ("connect-accept-encoding", "gzip,zstd"),
            ("connect-content-encoding", "gzip"),
            ("x-shelf", "7"),
            ("x-shelf", "8"),
        ];
        assert_eq!(translated(true).0, headers(&expected));
    }

    #[test]
    fn trailers_of_a_unary_call_have_a_prefix() {
        let mut head = headers(&[("x-a", "1")]);
        add_trailers(
            &mut head,
            &headers(&[("grpc-status", "0"), ("x-a", "2"), ("x-a", "3"), ("x-b-bin", "AA")]),
        );
        let expected = [("x-a", "1"), ("trailer-x-a", "2"), ("trailer-x-a", "3"), ("trailer-x-b-bin", "AA")];
        assert_eq!(head, headers(&expected));
    }

    #[test]
    fn the_metadata_of_a_trailers_only_response_is_trailers() {
        let response =
            [("content-type", "application/grpc"), ("x-request-id", "r"), ("grpc-status", "5"), ("x-a", "1")];
        let (head, trailers) = split_trailers(headers(&response));
        assert_eq!(head, headers(&[("content-type", "application/grpc"), ("x-request-id", "r")]));
        assert_eq!(trailers, headers(&[("x-request-id", "r"), ("grpc-status", "5"), ("x-a", "1")]));
    }
}
