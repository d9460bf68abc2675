//! The clock of deadlines.

use std::time::Instant;

/// Returns the time by the runtime's clock, which tests can pause.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
