//! The status of calls whose lookup fails.

use tonic::Status;

use crate::directory::LookupError;

/// Returns the status for a failed lookup. SQLite's message is logged, and not sent to the caller.
pub(super) fn status_of(error: LookupError) -> Status {
    match error {
        LookupError::Busy => Status::unavailable("the user directory is busy; try again"),
        LookupError::Broken(cause) => {
            tracing::error!(%cause, "cannot read the user directory");
            Status::internal("the user directory cannot be read")
        }
        LookupError::Interrupted | LookupError::Lost => Status::internal("the lookup was interrupted"),
    }
}
