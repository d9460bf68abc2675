//! Between tonic's terms and the suite's.

use drawbridge_conformance_contract::{RpcStatus, v1};
use prost::Message as _;
use tonic::Status;

/// Returns a status as the suite writes it.
pub(crate) fn error(status: &Status) -> v1::Error {
    // Details that are no status are none, and the suite says what it misses.
    let details = RpcStatus::decode(status.details()).map(|status| status.details).unwrap_or_default();
    v1::Error { code: status.code().into(), message: Some(status.message().to_owned()), details }
}
