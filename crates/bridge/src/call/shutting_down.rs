//! The status of calls that a shutdown ends.

use drawbridge_core::EndReason;
use drawbridge_core::headers::text::GRPC_RETRY_PUSHBACK_MS;
use tonic::Status;
use tonic::metadata::MetadataValue;

use crate::random;

/// The longest time that clients are asked to wait, in milliseconds.
const MAX_PUSHBACK_MS: f64 = 1_000.0;

/// Returns the status of a call that a shutdown ends, or does not admit. It asks the client to retry after a random time (gRFC A6,
/// pushback): a thousand clients that are sent away together do not come back together.
pub(super) fn shutting_down() -> Status {
    let status = EndReason::Draining.status();
    let mut status = status.unwrap_or_else(|| Status::unavailable("the server is shutting down"));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of 0 to 1,000")]
    let pushback = (random::fraction() * MAX_PUSHBACK_MS) as u32;
    status.metadata_mut().insert(GRPC_RETRY_PUSHBACK_MS, MetadataValue::from(pushback));
    status
}
