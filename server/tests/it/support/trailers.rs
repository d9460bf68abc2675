//! Trailers in the body of a response: those of gRPC-Web, and the ends of Connect as such.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Reads the frame that ends a stream of Connect, as trailers of gRPC.
pub fn trailers_of_connect(payload: &[u8]) -> HeaderMap {
    let end: serde_json::Value = serde_json::from_slice(payload).unwrap();
    let mut trailers = status_of_connect(&end["error"]);
    for (name, values) in end["metadata"].as_object().into_iter().flatten() {
        for value in values.as_array().unwrap() {
            trailers.append(name.parse::<HeaderName>().unwrap(), value.as_str().unwrap().parse().unwrap());
        }
    }
    trailers
}

/// Returns the status of an error of Connect, as trailers of gRPC.
pub fn status_of_connect(error: &serde_json::Value) -> HeaderMap {
    let code = (0..=16).find(|code| {
        *code != 0 && drawbridge_core::connect::code_name(tonic::Code::from_i32(*code)) == error["code"]
    });
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(code.unwrap_or_default()));
    if let Some(message) = error["message"].as_str() {
        let encoded = percent_encoding::utf8_percent_encode(message, percent_encoding::NON_ALPHANUMERIC);
        trailers.insert("grpc-message", encoded.to_string().parse().unwrap());
    }
    if let Some([detail, ..]) = error["details"].as_array().map(Vec::as_slice) {
        trailers.insert("x-detail", detail["type"].as_str().unwrap().parse().unwrap());
    }
    assert_eq!(code.is_none(), error.is_null(), "{error}");
    trailers
}

/// Reads the frame with the trailers of gRPC-Web.
pub fn parse_trailers(payload: &[u8]) -> HeaderMap {
    let text = std::str::from_utf8(payload).unwrap();
    let mut trailers = HeaderMap::new();
    for line in text.strip_suffix("\r\n").unwrap_or(text).split("\r\n") {
        let (name, value) = line.split_once(':').unwrap();
        assert_eq!(name, name.to_ascii_lowercase(), "keys of trailers are lower-case");
        trailers
            .append(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value.trim_start()).unwrap());
    }
    trailers
}
