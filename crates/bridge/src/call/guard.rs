//! Follows a call to its end.

use drawbridge_core::EndReason;

use super::context::CallContext;

/// Follows a call until it has ended, first in its future and then in its response body. Dropped before that, it records
/// that the caller has gone: nothing else drops an open call.
#[derive(Debug)]
pub(super) struct CallGuard(pub(super) CallContext);

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.0.end(EndReason::ClientGone);
    }
}
