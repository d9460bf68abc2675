//! gRPC-Web and the CALL layer on an axum router around tonic's `Routes`, without a `Bridge`.

use axum::Router;
use drawbridge::{CallLayer, GrpcWebLayer};
use drawbridge_proto::greet::greeter_server::GreeterServer;
use tonic::service::Routes;

use crate::greeter::MyGreeter;

/// Hosts a greeter for gRPC, gRPC-Web and its text form.
pub fn router(calls: CallLayer, greeter: MyGreeter) -> Router {
    Routes::new(GreeterServer::new(greeter))
        .into_axum_router()
        // The last layer is the outermost: the status that ends a call is translated too.
        .layer(calls)
        .layer(GrpcWebLayer::new())
}
