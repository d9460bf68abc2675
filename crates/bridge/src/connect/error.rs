//! The error of a call.

use std::borrow::Cow;

use bytes::{BufMut as _, Bytes, BytesMut};
use drawbridge_core::connect::{ContentType, code_name, http_status};
use drawbridge_core::frame::PREFIX_LENGTH;
use drawbridge_core::headers::{GRPC_MESSAGE, GRPC_STATUS, GRPC_STATUS_DETAILS_BIN};
use drawbridge_core::status::code_in;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use percent_encoding::percent_decode;
use tonic::body::Body;
use tonic::{Code, Status};

use super::details::{self, Detail};
use super::json_text::{push_key, push_string};

/// The flag of the frame that ends a stream.
const END_STREAM: u8 = 0x02;

/// The error of a call: its code, its message and its details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectError {
    code: Code,
    message: String,
    details: Vec<Detail>,
}

impl ConnectError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new() }
    }

    /// Reads the error in trailers, or in the headers of a trailers-only response. Returns `None` if the call succeeded.
    pub(super) fn read(trailers: &HeaderMap) -> Option<Self> {
        let code = code_in(trailers);
        if code == Code::Ok {
            return None;
        }
        let message = trailers
            .get(GRPC_MESSAGE)
            .map_or(Cow::Borrowed(""), |message| percent_decode(message.as_bytes()).decode_utf8_lossy());
        let details = trailers.get(GRPC_STATUS_DETAILS_BIN).map(details::read).unwrap_or_default();
        Some(Self { code, message: message.into_owned(), details })
    }

    pub(super) fn code(&self) -> Code {
        self.code
    }

    /// Returns the HTTP status of a unary response that is this error.
    pub(super) fn http_status(&self) -> StatusCode {
        StatusCode::from_u16(http_status(self.code)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Returns the error as an object of JSON.
    pub(super) fn to_json(&self) -> String {
        let mut json = String::with_capacity(64 + self.message.len());
        self.push_json(&mut json);
        json
    }

    fn push_json(&self, json: &mut String) {
        json.push('{');
        push_key(json, "code");
        push_string(json, code_name(self.code));
        if !self.message.is_empty() {
            push_key(json, "message");
            push_string(json, &self.message);
        }
        if !self.details.is_empty() {
            push_key(json, "details");
            push_details(json, &self.details);
        }
        json.push('}');
    }
}

impl From<&Status> for ConnectError {
    fn from(status: &Status) -> Self {
        let details = details::decode(status.details());
        Self { code: status.code(), message: status.message().to_owned(), details }
    }
}

fn push_details(json: &mut String, details: &[Detail]) {
    json.push('[');
    for (index, detail) in details.iter().enumerate() {
        json.push_str(if index == 0 { "{" } else { ",{" });
        push_key(json, "type");
        push_string(json, &detail.type_name);
        push_key(json, "value");
        push_string(json, &detail.value);
        json.push('}');
    }
    json.push(']');
}

/// Returns whether a trailer is a part of the status, and so no metadata.
pub(super) fn is_status(name: &HeaderName) -> bool {
    [&GRPC_STATUS, &GRPC_MESSAGE, &GRPC_STATUS_DETAILS_BIN].contains(&name)
}

/// Returns the JSON that ends a stream, with its error and the metadata in its trailers.
pub(super) fn end_stream_json(error: Option<&ConnectError>, trailers: &HeaderMap) -> String {
    let mut json = "{".to_owned();
    if let Some(error) = error {
        push_key(&mut json, "error");
        error.push_json(&mut json);
    }
    if !trailers.keys().all(is_status) {
        push_key(&mut json, "metadata");
        push_metadata(&mut json, trailers);
    }
    json.push('}');
    json
}

/// Returns the frame that ends a stream, with its error and the metadata in its trailers.
pub(super) fn end_stream_frame(error: Option<&ConnectError>, trailers: &HeaderMap) -> Bytes {
    let json = end_stream_json(error, trailers);
    let mut frame = BytesMut::with_capacity(PREFIX_LENGTH + json.len());
    frame.put_u8(END_STREAM);
    // Header lists are limited to far less than a u32 counts.
    frame.put_u32(u32::try_from(json.len()).unwrap_or(u32::MAX));
    frame.put_slice(json.as_bytes());
    frame.freeze()
}

/// Appends the metadata in trailers: each name with an array of its values.
fn push_metadata(json: &mut String, trailers: &HeaderMap) {
    json.push('{');
    for name in trailers.keys().filter(|name| !is_status(name)) {
        push_key(json, name.as_str());
        json.push('[');
        for (index, value) in trailers.get_all(name).iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            push_string(json, &String::from_utf8_lossy(value.as_bytes()));
        }
        json.push(']');
    }
    json.push('}');
}

/// Returns the response to a request of this content type that is an error, without metadata: an HTTP status and JSON for a
/// unary request, and for a stream a response with the frame that ends it.
pub(crate) fn error_response(content_type: ContentType, error: &ConnectError) -> Response<Body> {
    if content_type.is_stream {
        let mut response =
            Response::new(Body::new(Full::from(end_stream_frame(Some(error), &HeaderMap::new()))));
        let content_type = HeaderValue::from_static(content_type.media_type());
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        response
    } else {
        unary_error_response(HeaderMap::new(), error)
    }
}

/// Returns the unary response that is an error, with these headers.
pub(super) fn unary_error_response(headers: HeaderMap, error: &ConnectError) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::from(error.to_json())));
    *response.status_mut() = error.http_status();
    *response.headers_mut() = headers;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use drawbridge_core::connect::Codec;
    use drawbridge_core::status::trailers_of;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn an_error_has_what_its_trailers_say() {
        for (trailers, json) in [
            (&[("grpc-status", "5")][..], r#"{"code":"not_found"}"#),
            (
                &[("grpc-status", "3"), ("grpc-message", "100%25 %22x%22 %C3%BC")],
                r#"{"code":"invalid_argument","message":"100% \"x\" ü"}"#,
            ),
            (
                &[("grpc-status", "13"), ("grpc-status-details-bin", "GgkKA2EuQhICAQI")],
                r#"{"code":"internal","details":[{"type":"a.B","value":"AQI"}]}"#,
            ),
            (&[], r#"{"code":"unknown"}"#),
            (&[("grpc-status", "99")], r#"{"code":"unknown"}"#),
        ] {
            assert_eq!(ConnectError::read(&headers(trailers)).unwrap().to_json(), json);
        }
        assert_eq!(ConnectError::read(&headers(&[("grpc-status", "0")])), None);
    }

    #[test]
    fn a_status_and_its_trailers_are_the_same_error() {
        let details = vec![0x1a, 9, 0x0a, 3, b'a', b'.', b'B', 0x12, 2, 1, 2];
        let status = Status::with_details(Code::Aborted, "ü \n", details.into());
        let read = ConnectError::read(&trailers_of(&status)).unwrap();
        assert_eq!(read, ConnectError::from(&status));
        assert_eq!(read.details.len(), 1);
    }

    #[test]
    fn the_end_of_a_stream_has_error_and_metadata_if_there_are_any() {
        let metadata = headers(&[("x-a", "1"), ("x-b-bin", "AAE"), ("x-a", "2")]);
        let error = ConnectError::new(Code::Unavailable, "later");
        for (error, metadata, json) in [
            (None, &HeaderMap::new(), "{}"),
            (None, &metadata, r#"{"metadata":{"x-a":["1","2"],"x-b-bin":["AAE"]}}"#),
            (Some(&error), &HeaderMap::new(), r#"{"error":{"code":"unavailable","message":"later"}}"#),
        ] {
            let frame = end_stream_frame(error, metadata);
            let (prefix, payload) = frame.split_at(PREFIX_LENGTH);
            assert_eq!(prefix[0], 2);
            assert_eq!(prefix[1..], u32::try_from(json.len()).unwrap().to_be_bytes());
            assert_eq!(payload, json.as_bytes());
        }
    }

    #[test]
    fn an_error_response_has_the_form_of_its_request() {
        let error = ConnectError::new(Code::PermissionDenied, "");
        for (is_stream, status, content_type) in
            [(false, 403, "application/json"), (true, 200, "application/connect+proto")]
        {
            let response = error_response(ContentType { codec: Codec::Proto, is_stream }, &error);
            assert_eq!(
                (response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()),
                (status, content_type)
            );
        }
    }
}
