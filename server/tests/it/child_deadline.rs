//! A client enforces the deadlines of its child calls, whatever the server does.

use std::time::Duration;

use drawbridge::{EndReason, OnCallEnd, PropagationLayer};
use drawbridge_proto::message::message_client::MessageClient;
use http::HeaderMap;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};
use tower::{BoxError, Layer as _, ServiceExt as _};

use crate::support::client::{Wire, frame};
use crate::support::probe::{Probe, told};
use crate::support::relay::child;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_silent_server_ends_at_its_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let silent = tokio::spawn(async move {
        let mut connections = Vec::new();
        loop {
            connections.push(listener.accept().await.unwrap());
        }
    });
    let mut request = Request::new(told("echo"));
    request.set_timeout(ms(400));
    let start = Instant::now();
    let channel = Endpoint::from_shared(uri).unwrap().connect_lazy();
    let status = child(channel).stream(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("400ms"), "{}", status.message());
    assert_eq!(start.elapsed(), ms(400));
    silent.abort();
}

#[tokio::test(start_paused = true)]
async fn without_remaining_time_nothing_is_sent() {
    let server = tower::service_fn(
        |_: http::Request<Body>| -> std::future::Ready<Result<http::Response<Body>, Status>> {
            unreachable!("nothing is sent")
        },
    );
    let mut client = MessageClient::new(PropagationLayer::new().layer(server));
    let mut request = Request::new(told("echo"));
    request.set_timeout(Duration::ZERO);
    assert_eq!(client.stream(request).await.unwrap_err().code(), Code::DeadlineExceeded);

    let (bridge, mut calls) = Probe::hosted();
    let (body, headers) = (frame(&told("wait")), [("grpc-timeout", "250m")]);
    let answer = Wire::GRPC.call_router(bridge.into_router(), "/Message/Stream", body, &headers).await;
    assert_eq!(answer.ending().await.code, 4);
    let parent = calls.started().await;
    let late = parent.spawn(OnCallEnd::Detach, async move { client.stream(told("echo")).await });
    assert_eq!(late.await.unwrap().unwrap().unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_malformed_timeout_is_an_invalid_argument() {
    let (channel, mut events) = Probe::in_process();
    let mut request = Request::new(told("echo"));
    request.metadata_mut().insert("grpc-timeout", "soon".parse().unwrap());
    let status = child(channel).stream(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("\"soon\""), "{}", status.message());
    assert!(events.is_silent());
}

#[tokio::test(start_paused = true)]
async fn a_reset_that_races_the_deadline_is_deadline_exceeded() {
    /// Returns the status of a call to which a server responds at its deadline.
    async fn racing(answer: Result<http::Response<Body>, BoxError>) -> Status {
        let mut answer = Some(answer);
        let server = tower::service_fn(move |_: http::Request<Body>| {
            let answer = answer.take().expect("one call");
            async {
                tokio::time::sleep(ms(250)).await;
                answer
            }
        });
        let mut client = MessageClient::new(PropagationLayer::new().layer(server));
        let mut request = Request::new(told("echo"));
        request.set_timeout(ms(250));
        match client.stream(request).await {
            Err(status) => status,
            Ok(stream) => stream.into_inner().message().await.unwrap_err(),
        }
    }
    let reset = || Status::cancelled("stream reset by the peer");
    assert_eq!(racing(Err(reset().into())).await.code(), Code::DeadlineExceeded);
    assert_eq!(racing(Ok(reset().into_http())).await.code(), Code::DeadlineExceeded);
    let mut trailers = HeaderMap::new();
    reset().add_header(&mut trailers).unwrap();
    let body = http_body_util::StreamBody::new(tokio_stream::once(Ok::<_, Status>(http_body::Frame::<
        bytes::Bytes,
    >::trailers(trailers))));
    let late =
        http::Response::builder().header("content-type", "application/grpc").body(Body::new(body)).unwrap();
    assert_eq!(racing(Ok(late)).await.code(), Code::DeadlineExceeded);
}

#[tokio::test(start_paused = true)]
async fn server_and_client_may_end_a_call_with_different_codes() {
    let (channel, mut events) = Probe::in_process();
    // The response is complete on the server, and does not arrive before the client's deadline.
    let far = tower::service_fn(move |request: http::Request<Body>| {
        let channel = channel.clone();
        async move {
            let answer = channel.oneshot(request).await;
            tokio::time::sleep(Duration::from_hours(1)).await;
            answer
        }
    });
    let mut client = MessageClient::new(PropagationLayer::new().layer(far));
    let mut request = Request::new(told("echo"));
    request.set_timeout(ms(250));
    assert_eq!(client.stream(request).await.unwrap_err().code(), Code::DeadlineExceeded);
    let call = events.started().await;
    assert_eq!(call.cancelled().await, EndReason::Completed(Code::Ok));
}
