//! Shutdown of your own: open calls may finish within a grace period, and what is left then is aborted with UNAVAILABLE.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use drawbridge::{Calls, ConnectionOptions, serve};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

/// How often the number of open calls is looked at.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until all calls have ended, and aborts those that are open when `grace` is over.
pub async fn finish(calls: &Calls, grace: Duration) {
    let all_ended = async {
        while calls.open() > 0 {
            sleep(PAUSE).await;
        }
    };
    // The two ways to go on from here are the same: there may be nothing left to abort.
    let _ = timeout(grace, all_ended).await;
    calls.abort_all();
}

/// Serves with axum until `stop` resolves, and returns when all calls have ended.
///
/// # Errors
///
/// axum says that it never returns one.
pub async fn with_axum(
    listener: TcpListener,
    router: Router,
    calls: Calls,
    stop: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) -> io::Result<()> {
    let signal = async move {
        stop.await;
        // Once this future resolves, axum accepts no more connections, and waits for the open ones. They end when their calls
        // do, so the grace period runs beside that.
        tokio::spawn(async move { finish(&calls, grace).await });
    };
    // Calls know their caller's address by `ConnectInfo`.
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(signal).await
}

/// Serves with the library's own server until `stop` resolves, and returns when all calls have ended. It has a grace period of
/// its own: it accepts no more connections and calls, and aborts what is left after it.
pub async fn with_serve(
    listener: TcpListener,
    router: Router,
    calls: Calls,
    stop: impl Future<Output = ()>,
    grace: Duration,
) {
    serve(listener, router, calls, ConnectionOptions::new().with_grace(grace), stop).await;
}
