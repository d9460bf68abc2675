//! A server inside this very process.

use std::convert::Infallible;

use axum::Router;
use http::{Request, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::DuplexStream;
use tonic::transport::{Channel, Endpoint};
use tower::ServiceExt as _;

/// How many bytes are on their way in each direction of a connection at most.
const BUFFER: usize = 64 * 1024;

/// The most streams that the one connection carries. Both its ends are ours, and each call that comes in from outside
/// was counted already.
const MAX_STREAMS: u32 = 1_000_000;

/// Returns a channel to `router`, over HTTP/2 in memory: all that is true of calls over a network, deadlines on the
/// wire and reset streams among it, is true here, but for the network.
///
/// The connection is made with the first call. It ends when the last clone of the channel is dropped.
pub fn in_process(router: Router) -> Channel {
    let connector = tower::service_fn(move |_: Uri| {
        let router = router.clone();
        async move {
            let (near, far) = tokio::io::duplex(BUFFER);
            tokio::spawn(serve(far, router));
            Ok::<_, Infallible>(TokioIo::new(near))
        }
    });
    Endpoint::from_static("http://in-process").connect_with_connector_lazy(connector)
}

async fn serve(stream: DuplexStream, router: Router) {
    let service = hyper::service::service_fn(|request: Request<Incoming>| router.clone().oneshot(request));
    let served = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        // Whoever leaves many calls at once resets their children at once, and none of that is an attack.
        .max_pending_accept_reset_streams(MAX_STREAMS as usize)
        .max_local_error_reset_streams(None)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection inside the process ended");
    }
}
