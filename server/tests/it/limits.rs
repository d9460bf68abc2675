//! Limits of calls, messages, headers and streams.

use drawbridge::{ConnectionOptions, Limits};
use drawbridge_proto::greet::HelloRequest;
use drawbridge_proto::message::Response as Progress;
use http_body_util::channel::Channel;

use crate::support::client::{Wire, frame};
use crate::support::probe::{Probe, told};
use crate::support::upstream::{RawUpstream, reset_of};
use crate::support::{Server, samples, soon};

#[tokio::test]
async fn a_call_over_the_limit_is_resource_exhausted_until_another_call_ends() {
    let (bridge, mut events) = Probe::hosted();
    let server = Server::start(bridge.limits(Limits::new().with_max_calls(2))).await;
    for wire in Wire::ALL {
        let first = wire.call(server.address, "/Message/Stream", &told("silent")).await;
        let second = wire.call(server.address, "/Message/Stream", &told("silent")).await;
        let (first_call, _) = (events.started().await, events.started().await);
        let ending = wire.call(server.address, "/Message/Stream", &told("echo")).await.ending().await;
        assert_eq!(ending.code, 8, "{wire:?}");
        assert!(ending.words.starts_with("2 calls are open"), "{}", ending.words);

        drop(first);
        events.released().await;
        soon("the end", first_call.cancelled()).await;
        let answer = wire.call(server.address, "/Message/Stream", &told("echo")).await;
        assert_eq!(answer.finish::<Progress>().await.1.code, 0);
        events.started().await;
        events.released().await;
        drop(second);
        events.released().await;
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_resource_exhausted() {
    let limits = Limits::new().with_max_message_bytes(100);
    let server = Server::start(samples().limits(limits)).await;
    for wire in Wire::ALL {
        for (length, code) in [(98, 0), (99, 8)] {
            let request = HelloRequest { name: "n".repeat(length) };
            let answer = wire.call(server.address, "/greet.Greeter/SayHello", &request).await;
            let ending = answer.finish::<()>().await.1;
            assert_eq!(ending.code, code, "{wire:?} with {length}: {}", ending.words);
        }
    }
}

#[tokio::test]
async fn a_forwarded_message_over_the_limit_is_resource_exhausted() {
    let upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge().limits(Limits::new().with_max_message_bytes(1000))).await;
    let _answering = upstream.answering(|mut call| async move {
        call.read().await;
        call.trailers_only(&[("grpc-status", "0")]);
    });
    for wire in Wire::ALL {
        // The length, and two bytes of protobuf around a longer text.
        for (length, code) in [(997, 0), (998, 8), (5000, 8), (100_000, 8)] {
            let request = HelloRequest { name: "n".repeat(length) };
            let ending = wire.call(server.address, "/any.Service/Method", &request).await.ending().await;
            assert_eq!(ending.code, code, "{wire:?} with {length}: {}", ending.words);
            assert!(code == 0 || ending.words.contains("at most 1000"), "{}", ending.words);
        }
    }
}

#[tokio::test]
async fn a_later_message_of_a_forwarded_stream_is_limited_too() {
    let mut upstream = RawUpstream::start().await;
    let limits = Limits::new().with_max_message_bytes(1000);
    let server = Server::start(upstream.bridge().limits(limits)).await;
    let (mut messages, body) = Channel::<bytes::Bytes>::new(1);
    let mut connection = Wire::GRPC.connect_streaming(server.address).await;
    let small = frame(&HelloRequest { name: "n".to_owned() });
    messages.send_data(small.clone()).await.unwrap();
    // The response begins, so that a task sends the rest of the request.
    let responding = async {
        let mut arrived = upstream.call().await;
        let mut stream = arrived.begin(&[]);
        stream.send_data(small, false).unwrap();
        (arrived, stream)
    };
    let (mut answer, (_arrived, mut stream)) =
        tokio::join!(Wire::GRPC.stream_with(&mut connection, "/any.Service/Method", body), responding);
    assert_eq!(answer.message::<HelloRequest>().await.unwrap().name, "n");
    messages.send_data(frame(&HelloRequest { name: "n".repeat(2000) })).await.unwrap();
    let ending = answer.ending().await;
    assert_eq!(ending.code, 8, "{}", ending.words);
    assert!(ending.words.contains("at most 1000"), "{}", ending.words);
    assert_eq!(soon("a reset", reset_of(&mut stream)).await, h2::Reason::CANCEL);
}

#[tokio::test]
async fn headers_over_twice_the_limit_are_answered_431() {
    let server = Server::samples().await;
    let padding = "x".repeat(40 * 1024);
    for wire in [Wire::WEB_H1, Wire::WEB_H2] {
        let (request, headers) = (HelloRequest::default(), [("x-padding", padding.as_str())]);
        let answer =
            wire.call_with_headers(server.address, "/greet.Greeter/SayHello", &request, &headers).await;
        assert_eq!(answer.http_status, 431, "{wire:?}");
    }
}

#[tokio::test]
async fn a_stream_over_the_limit_of_its_connection_waits() {
    let (bridge, mut events) = Probe::hosted();
    let limits = ConnectionOptions::new().with_max_streams(3);
    let server = Server::start_with(bridge, limits).await;
    let mut connection = Wire::GRPC.connect(server.address).await;
    // The client learns of the limit with the server's first frames.
    let answer = Wire::GRPC.call_with(&mut connection, "/Message/Stream", frame(&told("echo")), &[]).await;
    answer.finish::<Progress>().await;
    events.started().await;
    events.released().await;

    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(
            Wire::GRPC.call_with(&mut connection, "/Message/Stream", frame(&told("silent")), &[]).await,
        );
        events.started().await;
    }
    let waiting = Wire::GRPC.call_with(&mut connection, "/Message/Stream", frame(&told("echo")), &[]);
    let ((), answer) = tokio::join!(
        async {
            assert!(events.is_silent());
            open.pop();
            events.released().await;
            events.started().await;
        },
        waiting
    );
    assert_eq!(answer.finish::<Progress>().await.1.code, 0);
}
