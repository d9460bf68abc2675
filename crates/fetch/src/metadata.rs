//! Converts metadata between the headers of tonic and those of a browser.

use base64::Engine as _;
use drawbridge_core::headers::{GRPC_ENCODING, GRPC_MESSAGE, GRPC_STATUS, GRPC_STATUS_DETAILS_BIN};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, percent_encode};

use crate::cause::CAUSE;
use crate::text_decoder::BASE64;

/// Adds a header or trailer of the server. A browser joins repeated headers to one value with commas.
///
/// Binary values are split at the commas again, which base64 does not contain. Text values stay joined, because a comma
/// may be part of a value.
pub(crate) fn append(headers: &mut HeaderMap, name: &HeaderName, value: &[u8]) {
    let mut add = |value: &[u8]| {
        // Browsers reject values that HTTP does not allow. In trailers they are ignored.
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name.clone(), value);
        }
    };
    if name.as_str().ends_with("-bin") {
        value.split(|byte| *byte == b',').for_each(|value| add(value.trim_ascii()));
    } else {
        add(value.trim_ascii());
    }
}

/// Removes or repairs what tonic could not read in headers or trailers of the server, so that the call keeps its code.
pub(crate) fn sanitize(headers: &mut HeaderMap) {
    headers.remove(CAUSE);
    // Each frame says whether it is compressed. A server may name an encoding that it does not use.
    headers.remove(GRPC_ENCODING);
    if let Some(message) = headers.get(GRPC_MESSAGE).and_then(repaired_message) {
        headers.insert(GRPC_MESSAGE, message);
    }
    if let Some(details) = headers.get(GRPC_STATUS_DETAILS_BIN) {
        // tonic expects the details to be base64.
        match BASE64.decode(details) {
            Ok(_) => {}
            Err(_) => drop(headers.remove(GRPC_STATUS_DETAILS_BIN)),
        }
    }
}

/// Takes the status out of headers, which leaves the metadata.
pub(crate) fn take_status(headers: &mut HeaderMap) -> HeaderMap {
    let mut status = HeaderMap::new();
    for name in [GRPC_STATUS, GRPC_MESSAGE, GRPC_STATUS_DETAILS_BIN] {
        if let Some(value) = headers.remove(&name) {
            status.insert(name, value);
        }
    }
    status
}

/// Returns the message with replacement characters if it is not percent-encoded UTF-8, and `None` if it is.
fn repaired_message(message: &HeaderValue) -> Option<HeaderValue> {
    const ENCODED: &AsciiSet = &CONTROLS.add(b'%');
    let decoded = percent_decode(message.as_bytes());
    if decoded.clone().decode_utf8().is_ok() {
        return None;
    }
    let lossy = decoded.decode_utf8_lossy();
    HeaderValue::try_from(percent_encode(lossy.as_bytes(), ENCODED).to_string()).ok()
}

/// Turns the headers of a gRPC request, as tonic makes them, into those of a gRPC-Web request.
///
/// Headers that a page cannot set, such as `host` or `cookie`, are left in: the browser ignores them.
pub(crate) fn to_grpc_web(headers: &mut HeaderMap) {
    const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc-web+proto");
    const USER_AGENT: HeaderValue =
        HeaderValue::from_static(concat!("grpc-web-rust-drawbridge/", env!("CARGO_PKG_VERSION")));
    headers.remove(http::header::TE);
    headers.insert(http::header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert(http::header::ACCEPT, CONTENT_TYPE);
    headers.insert("x-grpc-web", HeaderValue::from_static("1"));
    headers.entry("x-user-agent").or_insert(USER_AGENT);
}

/// Converts a header value to the string that represents it in JavaScript, one character for each byte.
#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) fn to_byte_string(value: &HeaderValue) -> String {
    value.as_bytes().iter().map(|byte| char::from(*byte)).collect()
}

/// Converts the string that represents a header value in JavaScript to its bytes.
#[cfg(any(test, target_arch = "wasm32"))]
pub(crate) fn from_byte_string(value: &str) -> Vec<u8> {
    // Each character stands for one byte. Browsers produce no others.
    value.chars().map(|char| u8::try_from(char).unwrap_or(b'?')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tonic::metadata::MetadataMap;
    use tonic::{Code, Status};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            append(&mut headers, &HeaderName::from_static(name), value.as_bytes());
        }
        sanitize(&mut headers);
        headers
    }

    fn status(pairs: &[(&'static str, &str)]) -> Status {
        Status::from_header_map(&headers(pairs)).unwrap()
    }

    #[test]
    fn repeated_values_are_all_kept() {
        let headers = headers(&[("x-a", "1"), ("x-a", "2"), ("x-b", "3, 4")]);
        assert_eq!(headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(headers.get_all("x-b").iter().collect::<Vec<_>>(), ["3, 4"]);
    }

    #[test]
    fn joined_binary_values_are_split_padded_or_not() {
        let metadata = MetadataMap::from_headers(headers(&[("x-bin", "AQ==, AQI,AQID"), ("x-bin", "")]));
        let values = metadata.get_all_bin("x-bin").iter().map(|value| value.to_bytes().unwrap());
        assert_eq!(values.collect::<Vec<_>>(), [&[1][..], &[1, 2], &[1, 2, 3], &[]]);
    }

    #[test]
    fn broken_percent_encoding_keeps_the_code() {
        for (sent, read) in [
            ("100%", "100%"),
            ("%zz %4", "%zz %4"),
            ("%c3%bc", "ü"),
            ("%ff!", "\u{fffd}!"),
            ("%c3 50%25", "\u{fffd} 50%"),
        ] {
            let status = status(&[("grpc-status", "5"), ("grpc-message", sent)]);
            assert_eq!((status.code(), status.message()), (Code::NotFound, read), "{sent}");
        }
    }

    #[test]
    fn details_that_are_not_base64_are_removed_and_the_code_is_kept() {
        for (sent, read) in
            [("AQI=", &[1, 2][..]), ("AQI", &[1, 2]), ("!", &[]), ("A", &[]), ("AQI=, AQI=", &[1, 2])]
        {
            let status = status(&[("grpc-status", "9"), ("grpc-status-details-bin", sent)]);
            assert_eq!((status.code(), status.details()), (Code::FailedPrecondition, read), "{sent}");
        }
    }

    #[test]
    fn a_server_cannot_set_a_cause() {
        assert!(!headers(&[("drawbridge-fetch-cause", "page-left")]).contains_key(CAUSE));
    }

    #[test]
    fn a_request_becomes_grpc_web_and_keeps_its_metadata() {
        let mut headers = HeaderMap::new();
        headers.insert("te", HeaderValue::from_static("trailers"));
        headers.insert("content-type", HeaderValue::from_static("application/grpc"));
        headers.append("x-a", HeaderValue::from_static("1"));
        headers.append("x-a", HeaderValue::from_static("2"));
        to_grpc_web(&mut headers);
        assert!(!headers.contains_key("te"));
        assert_eq!(headers["content-type"], "application/grpc-web+proto");
        assert_eq!(headers["accept"], "application/grpc-web+proto");
        assert_eq!(headers["x-grpc-web"], "1");
        assert!(headers["x-user-agent"].to_str().unwrap().starts_with("grpc-web-rust-drawbridge/"));
        assert_eq!(headers.get_all("x-a").iter().count(), 2);
    }

    proptest! {
        #[test]
        fn header_bytes_are_the_same_after_javascript(bytes in prop::collection::vec(0x20u8..=0xff, 0..20)) {
            prop_assume!(!bytes.contains(&0x7f));
            let value = HeaderValue::from_bytes(&bytes).unwrap();
            prop_assert_eq!(from_byte_string(&to_byte_string(&value)), bytes);
        }

        #[test]
        fn any_message_and_details_keep_the_code(message in any::<Vec<u8>>(), details in any::<Vec<u8>>()) {
            let mut headers = HeaderMap::new();
            append(&mut headers, &GRPC_STATUS, b"7");
            append(&mut headers, &GRPC_MESSAGE, &message);
            append(&mut headers, &GRPC_STATUS_DETAILS_BIN, &details);
            sanitize(&mut headers);
            prop_assert_eq!(Status::from_header_map(&headers).unwrap().code(), Code::PermissionDenied);
        }
    }
}
