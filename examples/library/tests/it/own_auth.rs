//! Authentication refuses in the form of the caller, and hands on who the caller is.

use drawbridge::{Calls, EndReason};
use drawbridge_example_library::own_auth::{X_USER, in_front, inside};
use drawbridge_proto::message::Request as KeyRequest;
use drawbridge_proto::message::message_client::MessageClient;
use http::HeaderValue;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Request};

use crate::support::{bob, channel, ends, greeter, http, nowhere, say_hello, serve, url, values};

const ORIGIN: &str = "https://app.example";
const TOKEN: &str = "Bearer ann-1234";

fn with_token<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", MetadataValue::from_static(TOKEN));
    request
}

#[tokio::test]
async fn a_middleware_in_front_hands_the_user_to_the_handler() {
    let address = serve(in_front(HeaderValue::from_static(ORIGIN))).await;
    let reply = greeter(address).say_hello(with_token(bob())).await.unwrap();
    assert_eq!(reply.into_inner().message, "Hello Ann");
}

#[tokio::test]
async fn a_middleware_in_front_refuses_each_caller_in_its_form() {
    let address = serve(in_front(HeaderValue::from_static(ORIGIN))).await;
    let native = greeter(address).say_hello(bob()).await.unwrap_err();
    assert_eq!((native.code(), native.message()), (Code::Unauthenticated, "send a bearer token"));
    let web = say_hello(address, &[("authorization", "Bearer eve")]).await;
    assert!(web.starts_with("HTTP/1.1 200"), "{web}");
    assert_eq!(values(&web, "content-type"), ["application/grpc-web+proto"], "{web}");
    assert_eq!(values(&web, "grpc-status"), ["16"], "{web}");
}

#[tokio::test]
async fn a_middleware_in_front_lets_preflights_pass() {
    let address = serve(in_front(HeaderValue::from_static(ORIGIN))).await;
    let asks = [
        ("origin", ORIGIN),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,x-grpc-web"),
    ];
    let response = http(address, "OPTIONS /greet.Greeter/SayHello", &asks, b"").await;
    assert!(response.starts_with("HTTP/1.1 204"), "{response}");
    assert_eq!(values(&response, "access-control-allow-origin"), [ORIGIN], "{response}");
}

#[tokio::test]
async fn an_interceptor_hands_the_user_to_the_handler() {
    let bridge = inside(&nowhere().await).unwrap();
    let address = serve(bridge.into_router()).await;
    let reply = greeter(address).say_hello(with_token(bob())).await.unwrap();
    assert_eq!(reply.into_inner().message, "Hello Ann");
}

#[tokio::test]
async fn an_interceptor_refuses_hosted_and_forwarded_calls_and_each_refusal_ends_a_call() {
    let mut bridge = inside(&nowhere().await).unwrap();
    let calls: Calls = bridge.calls();
    let mut ends = ends(&calls);
    let address = serve(bridge.into_router()).await;

    let hosted = greeter(address).say_hello(bob()).await.unwrap_err();
    assert_eq!(hosted.code(), Code::Unauthenticated);
    let forwarded = MessageClient::new(channel(address)).stream(KeyRequest::default()).await.unwrap_err();
    // Nothing listens at the upstream, which would be UNAVAILABLE: the call did not get that far.
    assert_eq!(forwarded.code(), Code::Unauthenticated);

    for method in ["/greet.Greeter/SayHello", "/Message/Stream"] {
        let end = EndReason::Completed(Code::Unauthenticated);
        assert_eq!(ends.next().await, (method.to_owned(), end));
    }
}

#[tokio::test]
async fn an_upstream_gets_the_user_and_not_the_token() {
    // An upstream that says what it got.
    let upstream = axum::Router::new().fallback(async |request: axum::extract::Request| {
        let seen = MetadataMap::from_headers(request.headers().clone());
        let text = |name: &str| seen.get(name).and_then(|value| value.to_str().ok()).unwrap_or("nothing");
        let message = format!("user {}, token {}", text(X_USER), text("authorization"));
        tonic::Status::failed_precondition(message).into_http::<axum::body::Body>()
    });
    let upstream = serve(upstream).await;
    let address = serve(inside(&url(upstream)).unwrap().into_router()).await;

    let mut request = with_token(KeyRequest::default());
    request.metadata_mut().insert(X_USER, MetadataValue::from_static("Eve"));
    let status = MessageClient::new(channel(address)).stream(request).await.unwrap_err();
    assert_eq!(status.message(), "user Ann, token nothing");
}
