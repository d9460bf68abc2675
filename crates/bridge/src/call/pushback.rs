//! A time after which a client is asked to retry.

use drawbridge_core::headers::text::GRPC_RETRY_PUSHBACK_MS;
use tonic::Status;
use tonic::metadata::MetadataValue;

use crate::random;

/// The longest time that clients are asked to wait, in milliseconds.
const MAX_PUSHBACK_MS: f64 = 1_000.0;

/// Asks the client to retry after a random time (gRFC A6, pushback): a thousand clients that are sent away together do not come back
/// together.
pub(super) fn with_pushback(mut status: Status) -> Status {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of 0 to 1,000")]
    let pushback = (random::fraction() * MAX_PUSHBACK_MS) as u32;
    status.metadata_mut().insert(GRPC_RETRY_PUSHBACK_MS, MetadataValue::from(pushback));
    status
}
