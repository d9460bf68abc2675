//! The CALL layer on a tonic server, without the rest of the library: native gRPC, with deadlines kept over response streams,
//! handlers dropped when their caller leaves, and an end reason for each call.

use std::time::Duration;

use drawbridge::{CallLayer, DeadlinePolicy};
use drawbridge_proto::greet::greeter_server::GreeterServer;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::greeter::MyGreeter;

/// Returns the layer. A call that sends no `grpc-timeout` gets thirty seconds.
pub fn layer() -> CallLayer {
    CallLayer::new().deadlines(DeadlinePolicy::new().with_default(Duration::from_secs(30)))
}

/// Serves a greeter until `stop` resolves. Then the open calls end with UNAVAILABLE.
///
/// # Errors
///
/// Returns an error if tonic cannot serve.
pub async fn serve(
    listener: TcpListener,
    layer: CallLayer,
    greeter: MyGreeter,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let calls = layer.calls();
    Server::builder()
        .layer(layer)
        .add_service(GreeterServer::new(greeter))
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), async move {
            stop.await;
            // tonic waits for open responses, and a stream may have no end.
            calls.abort_all();
        })
        .await
}
