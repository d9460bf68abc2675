//! How a server stops.

use crate::call::Calls;

/// How a server stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shutdown {
    /// Open calls may go on for the grace period.
    Drain,
    /// There is nothing to wait for: all calls were ended.
    Now,
}

impl Shutdown {
    /// Waits for a shutdown of the server with these calls.
    pub(super) async fn begin(shutdown: impl Future<Output = ()>, calls: Option<&Calls>) -> Self {
        shutdown.await;
        if calls.is_some_and(Calls::is_closed) { Self::Now } else { Self::Drain }
    }
}
