//! Deadlines, cancellation, flow control and the end of forwarded calls.

use std::time::Duration;

use bytes::Bytes;
use drawbridge::EndReason;
use drawbridge_proto::message::Response as Progress;
use http::Request;
use http_body_util::channel::{Channel, Sender};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tonic::Code;

use crate::support::client::{Wire, frame};
use crate::support::probe::{Probe, told};
use crate::support::upstream::{RawUpstream, bridge_to, map, reset_of};
use crate::support::{Server, soon};

const STREAM: &str = "/Message/Stream";

#[tokio::test]
async fn the_upstream_receives_the_remaining_timeout() {
    let (upstream, mut events) = Probe::start().await;
    let server = Server::start(bridge_to(upstream.address)).await;
    for wire in Wire::ALL {
        let (key, timeout) = (told("k"), [("grpc-timeout", "300S")]);
        let call = wire.call_with_headers(server.address, STREAM, &key, &timeout);
        let (answer, context) = tokio::join!(call, events.started());
        let granted = context.deadline().unwrap().granted().duration();
        assert!(granted <= Duration::from_mins(5) && granted > Duration::from_mins(4), "{granted:?}");
        events.released().await;
        assert_eq!(answer.finish::<Progress>().await.1.code, 0);
    }
}

#[tokio::test]
async fn the_deadline_ends_the_call_after_its_messages_and_resets_the_upstreams_stream() {
    for wire in Wire::ALL {
        let mut upstream = RawUpstream::start().await;
        let server = Server::start(upstream.bridge()).await;
        let (key, timeout) = (told("k"), [("grpc-timeout", "300m")]);
        let call = wire.call_with_headers(server.address, STREAM, &key, &timeout);
        let (answer, mut stream) = tokio::join!(call, async {
            let mut stream = upstream.call().await.begin(&[]);
            for message in ["one", "two"] {
                stream.send_data(frame(&Progress { message: message.to_owned() }), false).unwrap();
            }
            stream
        });
        let (messages, ending) = answer.finish::<Progress>().await;
        assert_eq!((messages.len(), ending.code), (2, 4), "{wire:?}");
        assert_eq!(soon("a reset", reset_of(&mut stream)).await, h2::Reason::CANCEL, "{wire:?}");
    }
}

#[tokio::test]
async fn cancellation_resets_the_upstreams_stream() {
    for (wire, key) in
        [(Wire::GRPC, "silent"), (Wire::WEB_H1, "three"), (Wire::TEXT_H2, "large"), (Wire::WEB_H2, "silent")]
    {
        let (upstream, mut events) = Probe::start().await;
        let server = Server::start(bridge_to(upstream.address)).await;
        let answer = wire.call(server.address, STREAM, &told(key)).await;
        let context = events.started().await;
        drop(answer);
        events.released().await;
        assert_eq!(soon("the end", context.cancelled()).await, EndReason::ClientGone, "{wire:?}, {key}");
        while server.calls.open() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn cancellation_before_the_response_resets_the_upstreams_stream() {
    for wire in [Wire::GRPC, Wire::WEB_H1] {
        let mut upstream = RawUpstream::start().await;
        let server = Server::start(upstream.bridge()).await;
        let calling = tokio::spawn(async move {
            wire.call(server.address, STREAM, &told("k")).await;
        });
        let mut arrived = upstream.call().await;
        calling.abort();
        assert_eq!(arrived.reset().await, h2::Reason::CANCEL, "{wire:?}");
    }
}

/// Opens a call over HTTP/2 whose request messages the test sends one by one.
async fn open_bidi(
    server: &Server,
) -> (Sender<Bytes>, impl Future<Output = http::Response<hyper::body::Incoming>> + use<>) {
    let stream = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let (sent, body) = Channel::<Bytes>::new(16);
    let request = Request::post("http://localhost/any.Service/Chat")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap();
    (sent, async move { soon("an answer", sender.send_request(request)).await.unwrap() })
}

#[tokio::test]
async fn a_bidirectional_call_sends_and_receives_at_the_same_time() {
    use http_body_util::BodyExt as _;
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let (mut sent, answer) = open_bidi(&server).await;
    let (answer, (mut arrived, mut stream)) = tokio::join!(answer, async {
        let mut arrived = upstream.call().await;
        let stream = arrived.begin(&[]);
        (arrived, stream)
    });
    let mut answer = answer.into_body();
    for text in ["one", "two", "three"] {
        let message = frame(&told(text));
        sent.send_data(message.clone()).await.unwrap();
        let data = soon("a message at the upstream", arrived.body.data()).await.unwrap().unwrap();
        assert_eq!(data, message);
        stream.send_data(data, false).unwrap();
        assert_eq!(soon("the echo", answer.frame()).await.unwrap().unwrap().into_data().unwrap(), message);
    }
    drop(sent);
    assert!(arrived.read().await.is_empty(), "the end of the request");
    stream.send_trailers(map(&[("grpc-status", "0")])).unwrap();
    let trailers = soon("trailers", answer.frame()).await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(trailers["grpc-status"], "0");
}

#[tokio::test]
async fn an_upstream_that_does_not_read_blocks_the_caller() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let (mut sent, answer) = open_bidi(&server).await;
    let _answer = tokio::spawn(answer);
    let _arrived = upstream.call().await;
    let piece = Bytes::from(vec![0; 64 * 1024]);
    let mut sent_bytes = 0;
    // The flow control windows of three hops, and no more.
    while tokio::time::timeout(Duration::from_millis(500), sent.send_data(piece.clone())).await.is_ok() {
        sent_bytes += piece.len();
        assert!(sent_bytes < 16 * 1024 * 1024, "the request is buffered without limit");
    }
}

#[tokio::test]
async fn a_caller_that_does_not_read_blocks_the_upstream() {
    for wire in [Wire::GRPC, Wire::WEB_H1] {
        let mut upstream = RawUpstream::start().await;
        let server = Server::start(upstream.bridge()).await;
        let key = told("k");
        let call = wire.call(server.address, STREAM, &key);
        let (answer, mut stream) = tokio::join!(call, async { upstream.call().await.begin(&[]) });
        let mut sent_bytes = 0;
        loop {
            stream.reserve_capacity(64 * 1024);
            let room = std::future::poll_fn(|cx| stream.poll_capacity(cx));
            let Ok(room) = tokio::time::timeout(Duration::from_millis(500), room).await else { break };
            let room = room.unwrap().unwrap();
            stream.send_data(vec![0; room].into(), false).unwrap();
            sent_bytes += room;
            assert!(sent_bytes < 16 * 1024 * 1024, "{wire:?}: the response is buffered without limit");
        }
        assert!(sent_bytes >= 256 * 1024, "{wire:?}: {sent_bytes}");
        drop(answer);
    }
}

#[tokio::test]
async fn a_message_is_passed_on_before_the_next_one_arrives() {
    for wire in Wire::ALL {
        let mut upstream = RawUpstream::start().await;
        let server = Server::start(upstream.bridge()).await;
        let key = told("k");
        let call = wire.call(server.address, STREAM, &key);
        let (mut answer, mut stream) = tokio::join!(call, async { upstream.call().await.begin(&[]) });
        for text in ["one", "two"] {
            stream.send_data(frame(&Progress { message: text.to_owned() }), false).unwrap();
            assert_eq!(answer.message::<Progress>().await.unwrap().message, text, "{wire:?}");
        }
    }
}

#[tokio::test]
async fn a_forwarded_call_is_listed_until_its_end() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let key = told("k");
    let call = Wire::GRPC.call(server.address, STREAM, &key);
    let (answer, ()) = tokio::join!(call, async {
        let mut arrived = upstream.call().await;
        assert_eq!(server.calls.open(), 1, "a forwarded call is listed");
        arrived.complete(&Bytes::new(), &[]);
    });
    assert_eq!(answer.ending().await.code, Code::Ok as i32);
    assert_eq!(server.calls.open(), 0);
}
