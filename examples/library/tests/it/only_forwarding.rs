//! A bridge without services forwards by name.

use drawbridge::{CallLayer, EndReason};
use drawbridge_example_library::greeter::MyGreeter;
use drawbridge_example_library::{only_forwarding, only_grpc_web};
use drawbridge_proto::message::Request as KeyRequest;
use drawbridge_proto::message::message_client::MessageClient;
use tonic::Code;

use crate::support::{bob, channel, ends, greeter, nowhere, say_hello, serve, url};

#[tokio::test]
async fn each_service_goes_to_its_own_server() {
    let upstream = CallLayer::new();
    let mut upstream_ends = ends(&upstream.calls());
    let upstream = serve(only_grpc_web::router(upstream, MyGreeter::default())).await;
    let (service, calls) = only_forwarding::service(&url(upstream), &nowhere().await).unwrap();
    let mut ends = ends(&calls);
    let address = serve(axum::Router::new().fallback_service(service)).await;

    assert_eq!(greeter(address).say_hello(bob()).await.unwrap().into_inner().message, "Hello Bob");
    assert!(say_hello(address, &[]).await.contains("Hello Bob"));
    for _ in 0..2 {
        assert_eq!(ends.next().await.1, EndReason::Completed(Code::Ok));
        assert_eq!(upstream_ends.next().await.1, EndReason::Completed(Code::Ok));
    }
    let other = MessageClient::new(channel(address)).stream(KeyRequest::default()).await.unwrap_err();
    assert_eq!(other.code(), Code::Unavailable, "{other}");
}
