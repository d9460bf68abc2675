//! Routes of your own beside services and a catch-all upstream, on one port.

use axum::Router;
use axum::routing::{get, post};
use drawbridge::{Bridge, Upstream, UpstreamError};
use drawbridge_proto::greet::greeter_server::GreeterServer;

use crate::greeter::MyGreeter;

/// Hosts one service, forwards calls of all others to `upstream`, and answers whatever is not a call with routes of its own.
///
/// # Errors
///
/// Returns an error if the URL of the upstream is invalid.
pub fn router(upstream: &str) -> Result<Router, UpstreamError> {
    // With a catch-all upstream any path may be a call, so the bridge is outside, and these routes are its fallback. Two
    // routers with a fallback each could not be merged.
    let own = Router::new()
        .route("/", get(|| async { "a page" }))
        .route("/api/login", post(|| async { "welcome" }))
        .fallback(|| async { (http::StatusCode::NOT_FOUND, "a page that says that there is none") });
    let bridge = Bridge::new()
        .add_service(GreeterServer::new(MyGreeter::default()))
        .upstream(Upstream::new(upstream)?)
        // `POST /api/login` looks like the path of a call. Its content-type says that it is not.
        .require_grpc_content_type()
        .fallback(own);
    Ok(bridge.into_router())
}
