//! Ends a call whose client is gone.

#[cfg(feature = "serve")]
use std::cell::Cell;
#[cfg(feature = "serve")]
use std::time::Duration;

use drawbridge_core::EndReason;

use super::context::CallContext;

/// Follows a call until it has ended, first in its future and then in its response body. If it is dropped before, the client is gone:
/// a server drops an open call only then. (A timeout layer outside of this one, or the end of the runtime, is recorded in the same way.)
#[derive(Debug)]
pub(super) struct CallGuard(pub(super) CallContext);

impl Drop for CallGuard {
    fn drop(&mut self) {
        #[cfg(feature = "serve")]
        if let Some(after) = STALLED_FOR.get() {
            self.0.end(EndReason::ReaderStalled { after });
        }
        self.0.end(EndReason::ClientGone);
    }
}

#[cfg(feature = "serve")]
thread_local! {
    /// For how long the client of the calls that this thread drops has not read.
    static STALLED_FOR: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Runs a function that drops a response because its client has not read for this time. Calls that it drops end as
/// [`EndReason::ReaderStalled`].
#[cfg(feature = "serve")]
pub(crate) fn drop_stalled(after: Duration, drop: impl FnOnce()) {
    STALLED_FOR.set(Some(after));
    drop();
    STALLED_FOR.set(None);
}
