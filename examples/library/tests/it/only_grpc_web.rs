//! Two layers on an axum router serve all forms of gRPC.

use std::time::Duration;

use drawbridge::{CallLayer, EndReason, Protocol};
use drawbridge_example_library::greeter::MyGreeter;
use drawbridge_example_library::only_grpc_web::router;
use tokio::sync::mpsc::unbounded_channel;
use tonic::Code;

use crate::support::{bob, ends, greeter, http, say_hello, serve};

#[tokio::test]
async fn a_native_and_a_web_client_get_the_same_greeting_and_the_layer_knows_which_is_which() {
    let layer = CallLayer::new();
    let (sender, mut protocols) = unbounded_channel();
    layer.calls().on_end(move |call| sender.send(call.protocol()).expect("the test waits for it"));
    let address = serve(router(layer, MyGreeter::default())).await;

    assert_eq!(greeter(address).say_hello(bob()).await.unwrap().into_inner().message, "Hello Bob");
    assert_eq!(protocols.recv().await, Some(Protocol::Grpc));
    let web = say_hello(address, &[]).await;
    assert!(web.contains("Hello Bob") && web.contains("grpc-status:0"), "{web}");
    assert_eq!(protocols.recv().await, Some(Protocol::GrpcWeb));
}

#[tokio::test]
async fn a_deadline_is_a_trailers_frame() {
    let layer = CallLayer::new();
    let mut ends = ends(&layer.calls());
    let address = serve(router(layer, MyGreeter { every: Duration::from_secs(3600) })).await;
    let headers = [("content-type", "application/grpc-web+proto"), ("grpc-timeout", "100m")];
    // A message of no bytes is a request without a name.
    let response = http(address, "POST /greet.Greeter/SayHellos", &headers, &[0; 5]).await;
    assert!(response.contains("grpc-status:4"), "{response}");
    assert!(matches!(ends.next().await.1, EndReason::DeadlineExceeded { .. }));
    let unknown = http(address, "POST /no.such.Service/Method", &headers[..1], &[0; 5]).await;
    assert!(unknown.contains(&format!("grpc-status: {}", Code::Unimplemented as i32)), "{unknown}");
}
