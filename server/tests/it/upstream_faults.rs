//! Upstreams that fail a call: the caller receives a code and a message.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use drawbridge_proto::message::Response as Progress;
use h2::{Reason, SendStream};
use tokio::net::TcpListener;

use crate::support::client::{Answer, Wire, frame};
use crate::support::frames::Raw;
use crate::support::probe::told;
use crate::support::upstream::{RawUpstream, bridge_to, map};
use crate::support::{Server, soon};

const PATH: &str = "/any.Service/Method";

#[tokio::test]
async fn resets_map_to_the_codes_of_grpc_and_only_a_refused_stream_is_sent_again() {
    for (reason, code, sends) in [
        (Reason::NO_ERROR, 13, 1),
        (Reason::PROTOCOL_ERROR, 13, 1),
        (Reason::INTERNAL_ERROR, 13, 1),
        (Reason::REFUSED_STREAM, 14, 3),
        (Reason::CANCEL, 1, 1),
        (Reason::ENHANCE_YOUR_CALM, 8, 1),
        (Reason::INADEQUATE_SECURITY, 7, 1),
    ] {
        let upstream = RawUpstream::start().await;
        let server = Server::start(upstream.bridge()).await;
        let received = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&received);
        let _answering = upstream.answering(move |mut call| {
            counter.fetch_add(1, Ordering::SeqCst);
            async move { call.answer.send_reset(reason) }
        });
        let ending = Wire::WEB_H1.call(server.address, PATH, &told("k")).await.ending().await;
        assert_eq!(ending.code, code, "{reason:?}");
        assert!(ending.words.contains("reset"), "{}", ending.words);
        assert_eq!(received.load(Ordering::SeqCst), sends, "{reason:?}");
    }
}

/// Opens a call that has received one message. Returns it with the upstream's stream.
async fn mid_stream(wire: Wire) -> (RawUpstream, Server, Answer, SendStream<Bytes>) {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let key = told("k");
    let (mut answer, mut stream) =
        tokio::join!(wire.call(server.address, PATH, &key), async { upstream.call().await.begin(&[]) });
    stream.send_data(frame(&Progress { message: "one".to_owned() }), false).unwrap();
    assert_eq!(answer.message::<Progress>().await.unwrap().message, "one");
    (upstream, server, answer, stream)
}

#[tokio::test]
async fn a_reset_during_the_response_ends_the_call_in_trailers() {
    for wire in Wire::ALL {
        let (_upstream, _server, answer, mut stream) = mid_stream(wire).await;
        stream.send_reset(Reason::INTERNAL_ERROR);
        assert_eq!(answer.ending().await.code, 13, "{wire:?}");
    }
}

#[tokio::test]
async fn a_connection_lost_during_the_response_ends_the_call_in_trailers() {
    for wire in Wire::ALL {
        let (upstream, _server, answer, _stream) = mid_stream(wire).await;
        drop(upstream);
        let ending = answer.ending().await;
        assert_eq!(ending.code, 14, "{wire:?}");
        assert!(ending.words.contains("lost"), "{}", ending.words);
    }
}

#[tokio::test]
async fn a_response_that_is_not_grpc_has_the_code_of_its_http_status() {
    for (status, code) in
        [(400, 13), (401, 16), (403, 7), (404, 12), (429, 14), (431, 2), (503, 14), (500, 2), (200, 2)]
    {
        let upstream = RawUpstream::start().await;
        let server = Server::start(upstream.bridge()).await;
        let _answering = upstream.answering(move |mut call| async move {
            let head = http::Response::builder().status(status).header("content-type", "text/html").body(());
            let mut stream = call.answer.send_response(head.unwrap(), false).unwrap();
            stream.send_data("<h1>No</h1>".into(), true).unwrap();
        });
        let ending = Wire::WEB_H1.call(server.address, PATH, &told("k")).await.ending().await;
        assert_eq!(ending.code, code, "{status}");
        assert!(ending.words.contains(&status.to_string()), "{}", ending.words);
        assert!(status != 431 || ending.words.contains("headers of the request"), "{}", ending.words);
    }
}

#[tokio::test]
async fn a_head_that_the_upstream_refuses_as_too_large_is_not_sent_again() {
    let upstream = RawUpstream::start().await;
    let rule = "3:RESOURCE_EXHAUSTED,UNKNOWN".parse().unwrap();
    let server = Server::start(upstream.bridge().retry(rule)).await;
    let received = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&received);
    let _answering = upstream.answering(move |mut call| {
        counter.fetch_add(1, Ordering::SeqCst);
        let head = http::Response::builder().status(431).body(()).unwrap();
        async move { drop(call.answer.send_response(head, true).unwrap()) }
    });
    let padding = "x".repeat(8000);
    for (headers, code) in [(&[("x-pad", &*padding)][..], 8), (&[], 2)] {
        let answer = Wire::WEB_H1.call_with_headers(server.address, PATH, &told("k"), headers).await;
        let ending = answer.ending().await;
        assert_eq!(ending.code, code, "{}", ending.words);
        assert!(ending.words.contains("431") && ending.words.contains(" bytes"), "{}", ending.words);
    }
    assert_eq!(received.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = RawUpstream::start().await;
    for status in [301, 302, 303, 307, 308] {
        let upstream = RawUpstream::start().await;
        let server = Server::start(upstream.bridge()).await;
        let location = format!("http://{}{PATH}", other.address);
        let _answering = upstream.answering(move |mut call| {
            let head = http::Response::builder().status(status).header("location", &location).body(());
            async move { drop(call.answer.send_response(head.unwrap(), true).unwrap()) }
        });
        let answer = Wire::WEB_H1.call(server.address, PATH, &told("k")).await;
        assert!(!answer.headers.contains_key("location"), "{status}");
        let ending = answer.ending().await;
        assert_eq!(ending.code, 2, "{status}");
        assert!(ending.words.contains(&status.to_string()), "{}", ending.words);
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_response_without_a_status_is_unknown() {
    for with_message in [false, true] {
        let upstream = RawUpstream::start().await;
        let server = Server::start(upstream.bridge()).await;
        let _answering = upstream.answering(move |mut call| async move {
            let mut stream = call.begin(&[]);
            if with_message {
                stream.send_data(frame(&Progress::default()), false).unwrap();
            }
            stream.send_trailers(map(&[("x-end", "a")])).unwrap();
        });
        let (_, ending) =
            Wire::WEB_H1.call(server.address, PATH, &told("k")).await.finish::<Progress>().await;
        assert_eq!(ending.code, 2);
        assert!(ending.words.contains("without a status"), "{}", ending.words);
    }
}

#[tokio::test]
async fn a_refused_stream_is_sent_again_with_its_request_body() {
    let upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let calls = AtomicUsize::new(0);
    let _answering = upstream.answering(move |mut call| {
        let refuse = calls.fetch_add(1, Ordering::SeqCst) < 2;
        async move {
            assert_eq!(call.read().await, frame(&told("k")));
            if refuse {
                call.answer.send_reset(Reason::REFUSED_STREAM);
            } else {
                call.complete(&frame(&Progress { message: "at last".to_owned() }), &[]);
            }
        }
    });
    let answer = Wire::WEB_H1.call(server.address, PATH, &told("k")).await;
    assert_eq!(answer.finish::<Progress>().await.0[0].message, "at last");
}

#[tokio::test]
async fn a_call_beyond_the_last_stream_of_a_goaway_is_sent_again() {
    // The last stream that the upstream has processed: none, or the call's.
    for (last_stream, code) in [(0, 0), (1, 14)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::start(bridge_to(listener.local_addr().unwrap())).await;
        let call = tokio::spawn(async move {
            Wire::WEB_H1.call(server.address, PATH, &told("k")).await.finish::<()>().await
        });
        let mut raw = Raw::accept(&listener).await;
        raw.headers().await;
        raw.go_away(last_stream).await;
        drop(raw);
        if last_stream == 0 {
            let mut raw = Raw::accept(&listener).await;
            let stream = raw.headers().await;
            raw.trailers_only(stream).await;
            assert_eq!(soon("the end", call).await.unwrap().1.code, code);
        } else {
            let ending = soon("the end", call).await.unwrap().1;
            assert_eq!(ending.code, code, "{}", ending.words);
        }
    }
}

#[tokio::test]
async fn after_a_goaway_new_calls_take_a_new_connection_and_open_calls_complete() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let key = told("k");
    let (mut answer, mut stream) = tokio::join!(Wire::WEB_H1.call(server.address, PATH, &key), async {
        upstream.call().await.begin(&[])
    });
    upstream.go_away();
    // The bridge sees the GOAWAY with the next call, at the latest.
    loop {
        let (other, arrived) = tokio::join!(Wire::WEB_H1.call(server.address, PATH, &key), async {
            let mut arrived = upstream.call().await;
            arrived.trailers_only(&[("grpc-status", "0")]);
            arrived
        });
        assert_eq!(other.ending().await.code, 0);
        if arrived.connection == 1 {
            break;
        }
    }
    stream.send_data(frame(&Progress { message: "still here".to_owned() }), false).unwrap();
    stream.send_trailers(map(&[("grpc-status", "0")])).unwrap();
    assert_eq!(answer.message::<Progress>().await.unwrap().message, "still here");
    assert_eq!(answer.ending().await.code, 0);
}
