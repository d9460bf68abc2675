//! The pool of connections to an upstream.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use drawbridge::{Bridge, PoolOptions};
use drawbridge_proto::message::Response as Progress;
use tokio::task::JoinSet;

use crate::support::client::{Answer, Connection, Wire, frame};
use crate::support::probe::told;
use crate::support::upstream::{Arrived, RawUpstream, hold, upstream_at};
use crate::support::{roomy, soon};

const PATH: &str = "/any.Service/Method";

async fn complete(mut call: Arrived) {
    call.complete(&frame(&Progress { message: "done".to_owned() }), &[]);
}

async fn open(connection: &mut Connection) -> Answer {
    Wire::GRPC.call_with(connection, PATH, frame(&told("k")), &[]).await
}

#[tokio::test]
async fn connections_are_opened_for_the_streams_they_allow_and_closed_when_idle() {
    let upstream = RawUpstream::with_max_streams(100).await;
    let options = PoolOptions::new().with_idle(Duration::from_millis(100));
    let server = roomy(upstream.bridge_with(options)).await;
    let answering = upstream.answering(hold);
    let mut connection = Wire::GRPC.connect(server.address).await;
    let mut answers = Vec::new();
    for _ in 0..1000 {
        answers.push(open(&mut connection).await);
    }
    assert_eq!(server.calls.open(), 1000);
    assert_eq!(answering.upstream.connections(), 10);
    drop(answers);
    soon("idle connections to close", async {
        while answering.upstream.open() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_is_closed_when_idle_and_not_while_it_has_a_call() {
    let upstream = RawUpstream::start().await;
    let idle = Duration::from_millis(100);
    let server = roomy(upstream.bridge_with(PoolOptions::new().with_idle(idle))).await;
    let answering = upstream.answering(hold);
    let mut connection = Wire::GRPC.connect(server.address).await;
    let held = open(&mut connection).await;
    tokio::time::sleep(10 * idle).await;
    let second = open(&mut connection).await;
    assert_eq!(answering.upstream.connections(), 1, "a connection with a call stays open");
    drop((held, second));
    soon("the idle connection to close", async {
        while answering.upstream.open() > 0 {
            tokio::time::sleep(idle).await;
        }
    })
    .await;
    assert_eq!(open(&mut connection).await.http_status, 200);
    assert_eq!(answering.upstream.connections(), 2, "the next call opens another connection");
}

#[tokio::test]
async fn a_thousand_concurrent_calls_share_few_connections() {
    let upstream = RawUpstream::with_max_streams(100).await;
    let server = roomy(upstream.bridge()).await;
    let answering = upstream.answering(hold);
    let mut all = JoinSet::new();
    for _ in 0..10 {
        let mut connection = Wire::GRPC.connect(server.address).await;
        all.spawn(async move {
            let mut answers = Vec::new();
            for _ in 0..100 {
                answers.push(open(&mut connection).await);
            }
            (connection, answers)
        });
    }
    let answers = soon("a thousand answers", all.join_all()).await;
    assert_eq!(server.calls.open(), 1000);
    let connections = answering.upstream.connections();
    assert!((10..=20).contains(&connections), "{connections}");
    drop(answers);
}

#[tokio::test]
async fn at_the_connection_limit_a_call_waits_for_a_stream() {
    let mut upstream = RawUpstream::with_max_streams(2).await;
    let options = PoolOptions::new().with_max_connections(1);
    let server = roomy(upstream.bridge_with(options)).await;
    let mut waiting = JoinSet::new();
    for _ in 0..3 {
        waiting.spawn(async move { Wire::GRPC.call(server.address, PATH, &told("k")).await.ending().await });
    }
    let mut held = vec![upstream.call().await, upstream.call().await];
    held.remove(0).trailers_only(&[("grpc-status", "0")]);
    assert_eq!(soon("an end", waiting.join_next()).await.unwrap().unwrap().code, 0);
    held.push(upstream.call().await);
    for mut call in held {
        call.trailers_only(&[("grpc-status", "0")]);
        assert_eq!(soon("an end", waiting.join_next()).await.unwrap().unwrap().code, 0);
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn waiting_calls_get_streams_in_the_order_of_their_arrival() {
    let mut upstream = RawUpstream::with_max_streams(1).await;
    let options = PoolOptions::new().with_max_connections(1);
    let server = roomy(upstream.bridge_with(options)).await;
    let mut calls = JoinSet::new();
    for index in 0..5 {
        let path = format!("/any.Service/Method{index}");
        calls.spawn(async move { Wire::GRPC.call(server.address, &path, &told("k")).await.ending().await });
        soon("the call to wait", async {
            while server.calls.open() <= index {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    for index in 0..5 {
        let mut call = upstream.call().await;
        assert_eq!(call.head.uri.path(), format!("/any.Service/Method{index}"));
        call.trailers_only(&[("grpc-status", "0")]);
    }
    assert!(calls.join_all().await.iter().all(|ending| ending.code == 0));
}

#[tokio::test]
async fn waiting_ends_at_the_maximum_wait_or_at_the_deadline() {
    let upstream = RawUpstream::with_max_streams(1).await;
    let options = PoolOptions::new()
        .with_max_connections(1)
        .with_max_waiting(1)
        .with_max_wait(Duration::from_millis(300));
    let server = roomy(upstream.bridge_with(options)).await;
    let _answering = upstream.answering(hold);
    let mut connection = Wire::GRPC.connect(server.address).await;
    let _held = open(&mut connection).await;
    let (key, timeout) = (told("k"), [("grpc-timeout", "100m")]);
    let answer = Wire::GRPC.call_with_headers(server.address, PATH, &key, &timeout).await;
    assert_eq!(answer.ending().await.code, 4);
    let (one, two) = tokio::join!(
        Wire::GRPC.call(server.address, PATH, &key),
        Wire::WEB_H1.call(server.address, PATH, &key)
    );
    let (one, two) = (one.ending().await, two.ending().await);
    assert_eq!((one.code, two.code), (8, 8));
    let words = [one.words, two.words].concat();
    assert!(words.contains("within 300ms") && words.contains("wait for the upstream"), "{words}");
}

#[tokio::test]
async fn calls_are_balanced_by_load_over_the_addresses_of_a_service() {
    let (one, two) = (RawUpstream::start().await, RawUpstream::start().await);
    let bridge = Bridge::new().upstream(upstream_at(one.address)).upstream(upstream_at(two.address));
    let server = roomy(bridge).await;
    let counts = [Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))];
    let _answering = [(one, &counts[0]), (two, &counts[1])].map(|(upstream, count)| {
        let count = Arc::clone(count);
        upstream.answering(move |call| {
            count.fetch_add(1, Ordering::SeqCst);
            hold(call)
        })
    });
    let mut connection = Wire::GRPC.connect(server.address).await;
    let mut answers = Vec::new();
    for _ in 0..100 {
        answers.push(open(&mut connection).await);
    }
    let counts = counts.map(|count| count.load(Ordering::SeqCst));
    assert!(counts.iter().all(|count| (45..=55).contains(count)), "{counts:?}");
}

#[tokio::test]
async fn an_unreachable_address_is_ejected_and_readmitted() {
    let alive = RawUpstream::start().await;
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let bridge = Bridge::new().upstream(upstream_at(dead)).upstream(upstream_at(alive.address));
    let server = roomy(bridge).await;
    let _answering = alive.answering(complete);
    let mut connection = Wire::GRPC.connect(server.address).await;
    for _ in 0..50 {
        let (messages, ending) = open(&mut connection).await.finish::<Progress>().await;
        assert_eq!((messages.len(), ending.code), (1, 0));
    }
    let readmitted = RawUpstream::start_at(dead).await;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let _answering_too = readmitted.answering(move |call| {
        counted.fetch_add(1, Ordering::SeqCst);
        complete(call)
    });
    soon("calls at the readmitted address", async {
        // A call goes to the address with the fewest open calls, so the readmitted address gets some.
        while count.load(Ordering::SeqCst) == 0 {
            assert_eq!(open(&mut connection).await.finish::<Progress>().await.1.code, 0);
        }
    })
    .await;
}

#[tokio::test]
async fn an_ejected_address_is_not_connected_to_for_each_call() {
    const CALLS: usize = 200;
    let alive = RawUpstream::start().await;
    let failing = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bridge = Bridge::new()
        .upstream(upstream_at(failing.local_addr().unwrap()))
        .upstream(upstream_at(alive.address));
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    tokio::spawn(async move {
        while let Ok((stream, _)) = failing.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let server = roomy(bridge).await;
    let _answering = alive.answering(complete);
    let mut connection = Wire::GRPC.connect(server.address).await;
    for _ in 0..CALLS {
        assert_eq!(open(&mut connection).await.finish::<Progress>().await.1.code, 0);
    }
    let attempts = attempts.load(Ordering::SeqCst);
    assert!(attempts > 0 && attempts < CALLS / 10, "{attempts} attempts to connect for {CALLS} calls");
}
