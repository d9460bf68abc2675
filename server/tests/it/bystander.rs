//! No call costs another caller's call: a stream of a bystander is open on the connection to the upstream, whatever the other
//! calls on it send and receive.

use bytes::Bytes;
use drawbridge::Bridge;
use drawbridge_proto::message::Response as Progress;
use http::{HeaderMap, HeaderValue};
use tokio::net::TcpListener;

use crate::support::client::{Answer, Wire, frame};
use crate::support::frames::Raw;
use crate::support::probe::told;
use crate::support::upstream::{Arrived, RawUpstream, bridge_to};
use crate::support::{Server, soon};

const PATH: &str = "/any.Service/Method";

/// `SETTINGS_MAX_HEADER_LIST_SIZE`.
const MAX_HEADER_LIST_SIZE: u16 = 6;

fn progress(text: &str) -> Bytes {
    frame(&Progress { message: text.to_owned() })
}

/// An upstream that announces 8 KiB for heads, as gRPC for Java does, and closes the connection over 10,240 encoded bytes.
/// The first stream of its one connection is the bystander's: it gets a message after each other call.
async fn java_like(listener: TcpListener) {
    let mut raw = Raw::accept_with(&listener, &[(MAX_HEADER_LIST_SIZE, 8192)]).await;
    let (bystander, _) = raw.encoded_head().await;
    raw.begin(bystander, &progress("first")).await;
    loop {
        let (stream, bytes) = raw.encoded_head().await;
        if bytes > 10_240 {
            return raw.break_off();
        }
        raw.trailers_only(stream).await;
        raw.message(bystander, &progress("again")).await;
    }
}

#[tokio::test]
async fn a_head_that_the_upstream_does_not_accept_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream =
        bridge_to(listener.local_addr().unwrap()).retry("3:UNAVAILABLE,RESOURCE_EXHAUSTED".parse().unwrap());
    let server = Server::start(upstream).await;
    let serving = tokio::spawn(java_like(listener));
    let mut bystander = Wire::WEB_H1.call(server.address, PATH, &told("k")).await;
    assert_eq!(bystander.message::<Progress>().await.unwrap().message, "first");
    for _ in 0..3 {
        for (value, code) in [
            (vec![b'a'; 14_500], 8),
            (vec![b'!'; 8_500], 8),
            (vec![0xFE; 3_400], 8),
            (vec![b'a'; 7_000], 0),
            (vec![b'!'; 4_000], 0),
            (vec![0xFE; 2_000], 0),
        ] {
            let mut connection = Wire::WEB_H1.connect(server.address).await;
            let body = frame(&told("k"));
            let mut headers = HeaderMap::new();
            headers.insert("x-pad", HeaderValue::from_bytes(&value).unwrap());
            let answer = Wire::WEB_H1.call_with_map(&mut connection, PATH, body, headers).await;
            let ending = answer.ending().await;
            assert_eq!(ending.code, code, "{} x {:#04x}: {}", value.len(), value[0], ending.words);
            if code == 8 {
                assert!(ending.words.contains("at most 8192"), "{}", ending.words);
                assert!(ending.words.contains("any.Service"), "{}", ending.words);
            } else {
                assert_eq!(bystander.message::<Progress>().await.unwrap().message, "again");
            }
        }
    }
    assert!(!serving.is_finished(), "the connection is open");
    serving.abort();
}

/// Answers a call.
type Respond = Box<dyn FnOnce(&mut Arrived) + Send>;

/// Opens the bystander's stream, and lets `respond` answer each other call on its connection. Returns the answers to these.
async fn beside_a_bystander(bridge: impl FnOnce(&RawUpstream) -> Bridge, calls: Vec<Respond>) -> Vec<Answer> {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(bridge(&upstream)).await;
    let key = told("k");
    let (mut bystander, mut stream) = tokio::join!(Wire::WEB_H1.call(server.address, PATH, &key), async {
        upstream.call().await.begin(&[])
    });
    let mut answers = Vec::new();
    for respond in calls {
        let (answer, arrived) = tokio::join!(Wire::WEB_H1.call(server.address, PATH, &key), async {
            let mut arrived = upstream.call().await;
            respond(&mut arrived);
            arrived
        });
        assert_eq!(arrived.connection, 0, "the connection of the bystander");
        answers.push(answer);
        stream.send_data(progress("still here"), false).unwrap();
        let message = soon("the bystander's message", bystander.message::<Progress>()).await;
        assert_eq!(message.expect("the stream is open").message, "still here");
    }
    answers
}

/// Trailers of about this size, with the status before or behind the large one.
fn trailers(bytes: usize, status_first: bool) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    let large = HeaderValue::from_bytes(&vec![b'a'; bytes]).unwrap();
    if status_first {
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        trailers.insert("x-large", large);
    } else {
        trailers.insert("x-large", large);
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
    }
    trailers.insert("x-last", HeaderValue::from_static("7"));
    trailers
}

#[tokio::test]
async fn trailers_of_a_mebibyte_pass_whole_and_larger_ones_fail_their_call_only() {
    let mut expected = Vec::new();
    let mut calls: Vec<Respond> = Vec::new();
    for (bytes, code) in [(66_000, 0), (200_000, 0), (1_000_000, 0), (1_100_000, 8), (2_000_000, 8)] {
        for status_first in [true, false] {
            expected.push((bytes, code));
            calls.push(Box::new(move |call: &mut Arrived| {
                let mut stream = call.begin(&[]);
                stream.send_trailers(trailers(bytes, status_first)).unwrap();
            }));
        }
    }
    let answers = beside_a_bystander(RawUpstream::bridge, calls).await;
    for (answer, (bytes, code)) in answers.into_iter().zip(expected) {
        let trailers = answer.trailers().await;
        assert_eq!(trailers["grpc-status"], code.to_string(), "{bytes}");
        if code == 0 {
            assert_eq!(trailers["x-large"].len(), bytes);
            assert_eq!(trailers["x-last"], "7");
        } else {
            let message = trailers["grpc-message"].to_str().unwrap();
            assert!(message.contains("1048576") && message.contains(&bytes.to_string()[..1]), "{message}");
        }
    }
}

#[tokio::test]
async fn a_large_head_passes_whole_and_one_over_a_mebibyte_fails_its_call_only() {
    let mut calls: Vec<Respond> = Vec::new();
    for bytes in [80_000, 300_000, 1_100_000, 2_000_000] {
        calls.push(Box::new(move |call: &mut Arrived| {
            call.trailers_only(&[("grpc-status", "0"), ("x-large", &"a".repeat(bytes))]);
        }));
    }
    let retried =
        |upstream: &RawUpstream| upstream.bridge().retry("3:RESOURCE_EXHAUSTED,UNAVAILABLE".parse().unwrap());
    let answers = beside_a_bystander(retried, calls).await;
    let large: Vec<_> =
        answers.iter().map(|answer| answer.headers.get("x-large").map(HeaderValue::len)).collect();
    assert_eq!(large, [Some(80_000), Some(300_000), None, None]);
    for (answer, code) in answers.into_iter().zip([0, 0, 8, 8]) {
        let ending = answer.ending().await;
        assert_eq!(ending.code, code, "{}", ending.words);
        assert!(code == 0 || ending.words.contains("1048576"), "{}", ending.words);
    }
}

#[tokio::test]
async fn every_fault_of_an_upstream_costs_its_own_call_only() {
    let not_grpc = |status: u16| -> Respond {
        Box::new(move |call| {
            let head = http::Response::builder().status(status).body(()).unwrap();
            drop(call.answer.send_response(head, true).unwrap());
        })
    };
    let mut calls: Vec<Respond> = vec![
        not_grpc(431),
        not_grpc(503),
        Box::new(|call| call.trailers_only(&[("x-shelf", "7")])),
        // Cut inside a message, by a reset and by trailers that say OK.
        Box::new(|call| {
            let mut stream = call.begin(&[]);
            stream.send_data(Bytes::from_static(b"\0\0\0\0\x64x"), false).unwrap();
            stream.send_reset(h2::Reason::INTERNAL_ERROR);
        }),
        Box::new(|call| {
            let mut stream = call.begin(&[]);
            stream.send_data(Bytes::from_static(b"\0\0\0\0\x64x"), false).unwrap();
            stream.send_trailers(crate::support::upstream::map(&[("grpc-status", "0")])).unwrap();
        }),
        Box::new(|call| call.begin(&[]).send_trailers(HeaderMap::new()).unwrap()),
    ];
    for reason in [h2::Reason::INTERNAL_ERROR, h2::Reason::CANCEL, h2::Reason::ENHANCE_YOUR_CALM] {
        calls.push(Box::new(move |call| call.answer.send_reset(reason)));
    }
    let count = calls.len();
    assert_eq!(beside_a_bystander(RawUpstream::bridge, calls).await.len(), count);
}

#[tokio::test]
async fn every_fault_of_a_request_costs_its_own_call_only() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge()).await;
    let key = told("k");
    let (mut bystander, mut stream) = tokio::join!(Wire::WEB_H1.call(server.address, PATH, &key), async {
        upstream.call().await.begin(&[])
    });
    let _answering = upstream.answering(|mut call| async move {
        assert_eq!(call.connection, 0, "the connection of the bystander");
        call.trailers_only(&[("grpc-status", "0")]);
    });
    for body in [&b"\x7f\0\0\0\0"[..], b"\x80\0\0\0\0", b"\0\xff\xff\xff\xff", b"\0\0\0", b"\0\0\0\0\x05a"] {
        for wire in Wire::ALL {
            let mut connection = wire.connect(server.address).await;
            let answer = wire.call_with(&mut connection, PATH, Bytes::from_static(body), &[]).await;
            assert_ne!(answer.ending().await.code, 0, "{body:?}, {wire:?}");
        }
        stream.send_data(progress("still here"), false).unwrap();
        assert_eq!(bystander.message::<Progress>().await.unwrap().message, "still here", "{body:?}");
    }
}

#[tokio::test]
async fn headers_in_many_small_frames_cost_no_other_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::start(bridge_to(listener.local_addr().unwrap())).await;
    let (key, value) = (told("k"), vec![b'a'; 30_000]);
    let (mut bystander, (mut raw, stream)) =
        tokio::join!(Wire::WEB_H1.call(server.address, PATH, &key), async {
            let mut raw = Raw::accept(&listener).await;
            let stream = raw.headers().await;
            raw.begin(stream, &progress("first")).await;
            (raw, stream)
        });
    assert_eq!(bystander.message::<Progress>().await.unwrap().message, "first");
    for size in [4096, 1024, 256] {
        let (answer, ()) = tokio::join!(Wire::WEB_H1.call(server.address, PATH, &key), async {
            let stream = raw.headers().await;
            raw.trailers_only_in_frames(stream, &value, size).await;
        });
        assert_eq!(answer.headers["x-pad"].len(), value.len(), "{size}");
        assert_eq!(answer.ending().await.code, 0, "{size}");
        raw.message(stream, &progress("again")).await;
        assert_eq!(bystander.message::<Progress>().await.unwrap().message, "again", "{size}");
    }
}
