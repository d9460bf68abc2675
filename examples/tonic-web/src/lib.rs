//! Sample services in axum, through tonic-web, with Drawbridge's CALL layer under it and nothing else of Drawbridge.
//!
//! tonic-web translates between gRPC-Web and gRPC. The [`CallLayer`] enforces `grpc-timeout` over whole calls and drops a
//! handler when its caller goes away, which tonic in axum does not do. Which promises of a bridge hold here, and which need
//! its own translation, is in `tests/it/promises.rs`.

mod services;

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::routing::get_service;
use drawbridge::CallLayer;
use drawbridge_proto::greet::greeter_server::GreeterServer;
use drawbridge_proto::message::message_server::MessageServer;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower_http::services::{ServeDir, ServeFile};

pub use services::{Messages, PlainGreeter};

/// Hosts `Message` and `greet.Greeter`, which send a message `every` so often. Calls of other services are UNIMPLEMENTED.
///
/// tonic-web answers 400 to each HTTP/1.1 request that is not gRPC-Web, so other routes belong outside of this router.
pub fn grpc(every: Duration, calls: CallLayer) -> Router {
    Routes::new(MessageServer::new(Messages { every }))
        .add_service(GreeterServer::new(PlainGreeter { every }))
        .into_axum_router()
        // The status that ends a call has to be translated for browsers, so the CALL layer is inside of tonic-web.
        .layer(calls)
        .layer(GrpcWebLayer::new())
}

/// Adds the page in `folder` to a gRPC router. The page has a view for each of its paths, so a path that is not a file is
/// answered with `index.html`.
pub fn with_page(grpc: Router, folder: &Path) -> Router {
    let files = ServeDir::new(folder).fallback(ServeFile::new(folder.join("index.html")));
    // A browser gets files and posts calls. The method decides, since the router cannot know the paths of all services: the
    // page also calls some that are not hosted here, and has to learn that they are UNIMPLEMENTED.
    Router::new().fallback_service(get_service(files).fallback_service(grpc))
}
