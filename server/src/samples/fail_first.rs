//! Fails attempts at a call on request, so that retries can be tried.

use drawbridge_core::headers::text::{GRPC_PREVIOUS_RPC_ATTEMPTS, GRPC_RETRY_PUSHBACK_MS};
use drawbridge_proto::user::FailFirst;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Returns an error if the request asks for this attempt to fail. The metadata `grpc-previous-rpc-attempts` says which
/// attempt it is.
pub(super) fn fail_first(metadata: &MetadataMap, fail: Option<FailFirst>) -> Result<(), Status> {
    let Some(FailFirst { attempts, code, pushback_ms }) = fail else { return Ok(()) };
    let code = Code::from(i32::try_from(code).unwrap_or_default());
    if attempts > 0 && matches!(code, Code::Ok) {
        let message = "fail.code: expected a gRPC code of 1 to 16";
        let details = ErrorDetails::with_bad_request_violation("fail.code", message);
        return Err(Status::with_error_details(Code::InvalidArgument, message, details));
    }
    let previous =
        metadata.get(GRPC_PREVIOUS_RPC_ATTEMPTS).and_then(|value| value.to_str().ok()?.parse().ok());
    let attempt = previous.unwrap_or(0_u32).saturating_add(1);
    if attempt > attempts {
        return Ok(());
    }
    let mut status = Status::new(
        code,
        format!("attempt {attempt} fails: the request asks for the first {attempts} to fail"),
    );
    if let Some(pushback_ms) = pushback_ms {
        status.metadata_mut().insert(GRPC_RETRY_PUSHBACK_MS, MetadataValue::from(pushback_ms));
    }
    Err(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(previous: Option<&'static str>, fail: FailFirst) -> Result<(), Status> {
        let mut metadata = MetadataMap::new();
        if let Some(previous) = previous {
            metadata.insert(GRPC_PREVIOUS_RPC_ATTEMPTS, MetadataValue::from_static(previous));
        }
        fail_first(&metadata, Some(fail))
    }

    #[test]
    fn the_requested_number_of_attempts_fails() {
        let fail = FailFirst { attempts: 2, code: 14, pushback_ms: None };
        assert_eq!(attempt(None, fail).unwrap_err().code(), Code::Unavailable);
        assert_eq!(attempt(Some("1"), fail).unwrap_err().code(), Code::Unavailable);
        assert!(attempt(Some("2"), fail).is_ok());
        assert!(attempt(None, FailFirst { attempts: 0, ..fail }).is_ok());
        assert!(fail_first(&MetadataMap::new(), None).is_ok());
    }

    #[test]
    fn a_failure_has_the_requested_pushback() {
        let fail = FailFirst { attempts: 1, code: 14, pushback_ms: Some(-1) };
        assert_eq!(attempt(None, fail).unwrap_err().metadata().get(GRPC_RETRY_PUSHBACK_MS).unwrap(), "-1");
    }

    #[test]
    fn a_request_to_fail_with_ok_is_an_invalid_argument() {
        let fail = FailFirst { attempts: 1, code: 0, pushback_ms: None };
        assert_eq!(attempt(None, fail).unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(attempt(None, FailFirst { code: 17, ..fail }).unwrap_err().code(), Code::Unknown);
    }
}
