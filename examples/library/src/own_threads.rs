//! Threads of your own: a bridge on several threads, beside a runtime of yours.

use std::io;

use drawbridge::{Bridge, ConnectionOptions, ThreadListeners, serve_on_threads};

/// Serves a bridge on all threads of `listeners` until `stop` resolves, and returns when all connections are closed. Each thread has a
/// service with connections to upstreams of its own. The limits, the list of calls and the shutdown are those of one
/// bridge.
///
/// # Errors
///
/// Returns an error if a thread cannot be started.
pub async fn with_threads(
    listeners: ThreadListeners,
    mut bridge: Bridge,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let calls = bridge.calls();
    let services = bridge.into_services(listeners.threads());
    serve_on_threads(listeners, services, calls, ConnectionOptions::new(), stop).await
}
