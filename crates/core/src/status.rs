//! Status codes, and statuses as headers and trailers.

use http::{HeaderMap, HeaderValue};
use tonic::{Code, Status};

use crate::headers::GRPC_STATUS;

/// Returns the name of a code as the gRPC specification writes it, such as `NOT_FOUND`.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Returns the code for a response that has an HTTP status and no gRPC status
/// ([gRPC's mapping](https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md)).
pub fn code_of_http(status: u16) -> Code {
    match status {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

/// Returns the code in these trailers, or in the headers of a trailers-only response. Without `grpc-status`, or with a
/// value that is not a code, it is [`Code::Unknown`].
pub fn code_in(trailers: &HeaderMap) -> Code {
    grpc_status(trailers).map_or(Code::Unknown, |value| Code::from_bytes(value.as_bytes()))
}

/// Returns the first `grpc-status` of these trailers. Where it comes first, as nearly all servers send it, this takes a fraction of a
/// look-up.
pub fn grpc_status(trailers: &HeaderMap) -> Option<&HeaderValue> {
    match trailers.iter().next() {
        Some((name, value)) if *name == GRPC_STATUS => Some(value),
        _ => trailers.get(GRPC_STATUS),
    }
}

/// Returns the status in these trailers, or in the headers of a trailers-only response, if it is a failure.
///
/// Returns `None` for `OK`, and for headers without a status, whose response ends with trailers.
pub fn failure_in(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers).filter(|status| status.code() != Code::Ok)
}

/// Returns the trailers that end a response with this status, its metadata included.
pub fn trailers_of(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        // A message that cannot be a header value is left out. The code always can.
        trailers.insert(GRPC_STATUS, HeaderValue::from(status.code() as i32));
    }
    trailers
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::metadata::MetadataMap;

    #[test]
    fn the_status_is_found_wherever_it_is() {
        let mut trailers = HeaderMap::new();
        assert_eq!(grpc_status(&trailers), None);
        trailers.insert("x-a", HeaderValue::from_static("5"));
        assert_eq!((grpc_status(&trailers), code_in(&trailers)), (None, Code::Unknown));
        trailers.append(GRPC_STATUS, HeaderValue::from_static("5"));
        trailers.append(GRPC_STATUS, HeaderValue::from_static("6"));
        assert_eq!(code_in(&trailers), Code::NotFound);
        trailers.remove("x-a");
        assert_eq!(code_in(&trailers), Code::NotFound);
    }

    #[test]
    fn a_status_is_the_same_after_its_trailers() {
        let mut metadata = MetadataMap::new();
        metadata.insert("x-a", "1".parse().unwrap());
        let status =
            Status::with_details_and_metadata(Code::NotFound, "100 % gone: ü", vec![1, 2].into(), metadata);
        let read = failure_in(&trailers_of(&status)).unwrap();
        assert_eq!(
            (read.code(), read.message(), read.details()),
            (Code::NotFound, "100 % gone: ü", &[1, 2][..])
        );
        assert_eq!(read.metadata().get("x-a").unwrap(), "1");
    }

    #[test]
    fn only_a_failure_is_found_in_headers() {
        assert!(failure_in(&HeaderMap::new()).is_none());
        assert!(failure_in(&trailers_of(&Status::ok(""))).is_none());
    }

    #[test]
    fn a_missing_or_malformed_code_is_unknown() {
        assert_eq!(code_in(&HeaderMap::new()), Code::Unknown);
        for (value, code) in
            [("0", Code::Ok), ("14", Code::Unavailable), ("17", Code::Unknown), ("x", Code::Unknown)]
        {
            let trailers = HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from_static(value))]);
            assert_eq!(code_in(&trailers), code, "{value}");
        }
    }

    #[test]
    fn http_statuses_map_to_codes() {
        for (status, code) in [
            (400, Code::Internal),
            (401, Code::Unauthenticated),
            (403, Code::PermissionDenied),
            (404, Code::Unimplemented),
            (429, Code::Unavailable),
            (500, Code::Unknown),
            (503, Code::Unavailable),
            (200, Code::Unknown),
        ] {
            assert_eq!(code_of_http(status), code, "{status}");
        }
    }
}
