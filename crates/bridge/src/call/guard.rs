//! Ends a call whose client is gone.

use drawbridge_core::EndReason;

use super::context::CallContext;

/// Follows a call until it has ended, first in its future and then in its response body. If it is dropped before, the client is gone:
/// a server drops an open call only then. (A timeout layer outside of this one, or the end of the runtime, is recorded in the same way.)
#[derive(Debug)]
pub(super) struct CallGuard(pub(super) CallContext);

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.0.end(EndReason::ClientGone);
    }
}
