//! Converts a status into the suite's message.

use drawbridge_conformance_contract::{RpcStatus, v1};
use prost::Message as _;
use tonic::Status;

/// Returns a status as the suite's message.
pub(crate) fn error_of(status: &Status) -> v1::Error {
    // Invalid details are left out; the suite then reports the missing ones.
    let details = RpcStatus::decode(status.details()).map(|status| status.details).unwrap_or_default();
    v1::Error { code: status.code().into(), message: Some(status.message().to_owned()), details }
}
