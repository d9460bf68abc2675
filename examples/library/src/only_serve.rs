//! The library's server for a router that has nothing to do with gRPC: HTTP/1.1 and HTTP/2 on one port, with TLS if you like.

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use drawbridge::{ConnectionOptions, Listener};
use std::net::SocketAddr;

/// A router that tells its caller's address.
pub fn router() -> Router {
    let whoami = |peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>| async move {
        match peer {
            Some(axum::Extension(ConnectInfo(address))) => format!("you are {}", address.ip()),
            // A Unix socket has no address.
            None => "you are on this machine".to_owned(),
        }
    };
    Router::new().route("/whoami", get(whoami))
}

/// Serves a router on any listener until `stop` resolves: a TCP port, a Unix socket, or a listener of your own.
pub async fn serve(listener: impl Listener, router: Router, stop: impl Future<Output = ()>) {
    // Without a CALL layer there are no calls to end.
    drawbridge::serve(listener, router, None, ConnectionOptions::new(), stop).await;
}
