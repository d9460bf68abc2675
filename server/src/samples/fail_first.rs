//! Fails on request, so that retries can be tried.

use drawbridge_core::headers::text::{GRPC_PREVIOUS_RPC_ATTEMPTS, GRPC_RETRY_PUSHBACK_MS};
use drawbridge_proto::user::FailFirst;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Fails an attempt at a call if it is one of those that shall fail. Which attempt it is, its metadata tells.
pub(super) fn fail_first(metadata: &MetadataMap, fail: Option<FailFirst>) -> Result<(), Status> {
    let Some(FailFirst { attempts, code, pushback_ms }) = fail else { return Ok(()) };
    let code = Code::from(i32::try_from(code).unwrap_or_default());
    if attempts > 0 && matches!(code, Code::Ok) {
        let words = "fail.code: expected a gRPC code of 1 to 16";
        let details = ErrorDetails::with_bad_request_violation("fail.code", words);
        return Err(Status::with_error_details(Code::InvalidArgument, words, details));
    }
    let previous =
        metadata.get(GRPC_PREVIOUS_RPC_ATTEMPTS).and_then(|value| value.to_str().ok()?.parse().ok());
    let attempt = previous.unwrap_or(0_u32).saturating_add(1);
    if attempt > attempts {
        return Ok(());
    }
    let mut status = Status::new(code, format!("attempt {attempt} fails, as asked: the first {attempts} do"));
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
    fn as_many_attempts_fail_as_were_asked_for() {
        let fail = FailFirst { attempts: 2, code: 14, pushback_ms: None };
        assert_eq!(attempt(None, fail).unwrap_err().code(), Code::Unavailable);
        assert_eq!(attempt(Some("1"), fail).unwrap_err().code(), Code::Unavailable);
        assert!(attempt(Some("2"), fail).is_ok());
        assert!(attempt(None, FailFirst { attempts: 0, ..fail }).is_ok());
        assert!(fail_first(&MetadataMap::new(), None).is_ok());
    }

    #[test]
    fn a_failure_says_when_to_try_again_if_it_shall() {
        let fail = FailFirst { attempts: 1, code: 14, pushback_ms: Some(-1) };
        assert_eq!(attempt(None, fail).unwrap_err().metadata().get(GRPC_RETRY_PUSHBACK_MS).unwrap(), "-1");
    }

    #[test]
    fn only_a_code_of_failure_can_be_asked_for() {
        let fail = FailFirst { attempts: 1, code: 0, pushback_ms: None };
        assert_eq!(attempt(None, fail).unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(attempt(None, FailFirst { code: 17, ..fail }).unwrap_err().code(), Code::Unknown);
    }
}
