//! Mass cancellations, and the calls of other callers on the same connections to the upstream.

use drawbridge_proto::message::Response as Progress;

use crate::support::client::{Answer, Connection, Wire, frame};
use crate::support::frames::{Burst, Frames};
use crate::support::probe::told;
use crate::support::upstream::{RawUpstream, hold};
use crate::support::{roomy, soon};

const PATH: &str = "/any.Service/Method";

async fn open(connection: &mut Connection) -> Answer {
    Wire::GRPC.call_with(connection, PATH, frame(&told("k")), &[]).await
}

#[tokio::test]
async fn mass_cancellation_does_not_end_the_calls_of_others() {
    let upstream = RawUpstream::with_max_streams(200).await;
    let server = roomy(upstream.bridge()).await;
    let answering = upstream.answering(hold);
    let mut other_connection = Wire::GRPC.connect(server.address).await;
    let mut storm = Wire::GRPC.connect(server.address).await;
    let mut others = Vec::new();
    for round in 0..40 {
        if round % 4 == 0 {
            others.push(open(&mut other_connection).await);
        }
        let mut leaving = Vec::new();
        for _ in 0..50 {
            leaving.push(open(&mut storm).await);
        }
        drop(leaving);
    }
    soon("the calls of the storm to end", async {
        while server.calls.open() > others.len() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Of 2,000 resets, each connection took about a hundred before it was retired.
    assert!((10..40).contains(&answering.upstream.connections()), "{}", answering.upstream.connections());
    assert_eq!(server.calls.open(), 10, "the calls of others are open");
}

#[tokio::test]
async fn mass_cancellation_before_the_response_does_not_end_the_calls_of_others() {
    let upstream = RawUpstream::with_max_streams(200).await;
    let server = roomy(upstream.bridge()).await;
    let _answering = upstream.answering(|call| async move {
        if call.head.uri.path() == PATH {
            hold(call).await;
        } else {
            std::future::pending::<()>().await;
        }
    });
    let mut other_connection = Wire::GRPC.connect(server.address).await;
    let others = open(&mut other_connection).await;
    for _ in 0..40 {
        let mut storm = Frames::connect(server.address).await;
        let mut burst = Burst::default();
        for stream in 0..50 {
            burst.call(2 * stream + 1, "/any.Service/Never", &frame(&told("k")));
        }
        storm.send(&burst).await;
        soon("the calls of the storm to begin", async {
            while server.calls.open() < 51 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        drop(storm);
        soon("the calls of the storm to end", async {
            while server.calls.open() > 1 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    assert_eq!(server.calls.open(), 1, "the call of another caller is open");
    drop(others);
}

#[tokio::test]
async fn resets_of_streams_that_a_busy_upstream_has_not_processed_do_not_end_the_calls_of_others() {
    let mut upstream = RawUpstream::with_max_streams(200).await;
    let server = roomy(upstream.bridge()).await;
    let key = told("k");
    let (mut answer, mut stream) =
        tokio::join!(Wire::GRPC.call(server.address, PATH, &key), async { upstream.call().await.begin(&[]) });
    upstream.set_busy(true);
    let open = async |count| {
        soon("the number of open calls", async {
            while server.calls.open() != count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    };
    let mut storm = Frames::connect(server.address).await;
    // An h2 server sends GOAWAY after 20 streams that were reset before it processed them.
    for index in 0..40 {
        storm.send(Burst::default().call(2 * index + 1, PATH, &frame(&key))).await;
        open(2).await;
        storm.send(Burst::default().reset(2 * index + 1)).await;
        open(1).await;
    }
    upstream.set_busy(false);
    stream.send_data(frame(&Progress { message: "still here".to_owned() }), false).unwrap();
    assert_eq!(answer.message::<Progress>().await.unwrap().message, "still here");
}
