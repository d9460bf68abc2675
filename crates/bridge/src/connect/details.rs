//! The details of a gRPC status.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::general_purpose::STANDARD_NO_PAD};
use http::HeaderValue;
use prost::Message as _;

/// Decodes base64 with or without padding: gRPC allows both.
const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A `google.rpc.Status`, of which only the details are read: the code and the message are those of the trailers.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// A `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    value: bytes::Bytes,
}

/// A detail, as Connect writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detail {
    /// The full name of its message type.
    pub(super) type_name: String,
    /// The encoded message, in base64 without padding.
    pub(super) value: String,
}

/// Reads the details in `grpc-status-details-bin`. Malformed details are none: the code and the message say what failed.
pub(super) fn read(value: &HeaderValue) -> Vec<Detail> {
    let decoded = ANY_PADDING.decode(value.as_bytes()).ok();
    let status = decoded.and_then(|bytes| RpcStatus::decode(&*bytes).ok()).unwrap_or_default();
    status.details.into_iter().map(Detail::from).collect()
}

/// Reads the details of an encoded `google.rpc.Status`.
pub(super) fn decode(bytes: &[u8]) -> Vec<Detail> {
    let status = RpcStatus::decode(bytes).unwrap_or_default();
    status.details.into_iter().map(Detail::from).collect()
}

impl From<Any> for Detail {
    fn from(any: Any) -> Self {
        let type_name = any.type_url.rsplit('/').next().unwrap_or_default().to_owned();
        Self { type_name, value: STANDARD_NO_PAD.encode(&any.value) }
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn status() -> Vec<u8> {
        let detail = |type_url: &str, value: &'static [u8]| Any {
            type_url: type_url.to_owned(),
            value: bytes::Bytes::from_static(value),
        };
        let details =
            vec![detail("type.googleapis.com/google.rpc.ErrorInfo", b"abcd"), detail("a.B", b"\xff\xfb")];
        RpcStatus { details }.encode_to_vec()
    }

    #[test]
    fn padding_is_optional_and_never_written() {
        for encoded in [STANDARD.encode(status()), STANDARD_NO_PAD.encode(status())] {
            let details = read(&HeaderValue::try_from(encoded).unwrap());
            let details: Vec<_> =
                details.iter().map(|detail| (detail.type_name.as_str(), detail.value.as_str())).collect();
            assert_eq!(details, [("google.rpc.ErrorInfo", "YWJjZA"), ("a.B", "//s")]);
        }
    }

    #[test]
    fn malformed_details_are_none() {
        for malformed in ["!", "CAM", "GgUKA2Fi"] {
            assert_eq!(read(&HeaderValue::from_static(malformed)), [], "{malformed}");
        }
    }
}
