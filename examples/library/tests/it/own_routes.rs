//! Pages, JSON, hosted and forwarded calls share a port.

use drawbridge_example_library::own_routes::router;
use tonic::Code;

use crate::support::{bob, channel, greeter, http, nowhere, serve, values};
use drawbridge_proto::message::Request as KeyRequest;
use drawbridge_proto::message::message_client::MessageClient;

#[tokio::test]
async fn json_to_a_path_like_that_of_a_call_reaches_its_own_route() {
    let address = serve(router(&nowhere().await).unwrap()).await;
    let json = [("content-type", "application/json")];
    let response = http(address, "POST /api/login", &json, b"{}").await;
    assert!(response.ends_with("welcome"), "{response}");
}

#[tokio::test]
async fn pages_are_answered_by_the_own_router_and_its_fallback() {
    let address = serve(router(&nowhere().await).unwrap()).await;
    assert!(http(address, "GET /", &[], b"").await.ends_with("a page"));
    for path in ["/else", "/greet.Greeter/SayHello"] {
        let response = http(address, &format!("GET {path}"), &[], b"").await;
        assert!(response.starts_with("HTTP/1.1 404") && response.ends_with("there is none"), "{response}");
    }
}

#[tokio::test]
async fn calls_are_answered_by_the_service_and_the_upstream() {
    let address = serve(router(&nowhere().await).unwrap()).await;
    let reply = greeter(address).say_hello(bob()).await.unwrap();
    assert_eq!(reply.into_inner().message, "Hello Bob");
    // Nothing listens at the upstream, and that is what its calls say.
    let status = MessageClient::new(channel(address)).stream(KeyRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    let web = [("content-type", "application/grpc-web+proto")];
    let response = http(address, "POST /api/login", &web, b"").await;
    assert_eq!(values(&response, "grpc-status"), ["14"], "{response}");
}
