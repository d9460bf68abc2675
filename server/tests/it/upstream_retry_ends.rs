//! What is recorded of a forwarded call that is retried, and what ends it.

use drawbridge::{Bridge, CallsService, HostPolicy};
use drawbridge_calls_proto::activity::Kind;
use drawbridge_calls_proto::calls_client::CallsClient;
use drawbridge_calls_proto::calls_server::CallsServer;
use drawbridge_calls_proto::{Activity, Call, CancelRequest, GetRequest};
use drawbridge_proto::message::Response as Progress;
use tonic::transport::{Channel, Endpoint};

use crate::support::attempts::{PATH, QUICK, SLOW, attempts, call, fail, reply, rule, start, succeed};
use crate::support::client::Wire;
use crate::support::probe::told;
use crate::support::upstream::{Arrived, RawUpstream, reset_of};
use crate::support::{Server, soon};

/// Starts a server that forwards calls and hosts the console.
async fn with_console(upstream: &RawUpstream, text: &str) -> (Server, CallsClient<Channel>) {
    let mut bridge = upstream.bridge().retry(rule(text));
    let console =
        CallsService::new(bridge.calls(), bridge.services(), HostPolicy::Loopback { also: Vec::new() });
    let bridge: Bridge = bridge.add_service(CallsServer::new(console));
    let server = Server::start(bridge).await;
    let channel = Endpoint::from_shared(format!("http://{}", server.address)).unwrap().connect_lazy();
    (server, CallsClient::new(channel))
}

/// Waits until this many activities of a call are recorded, and returns the call.
async fn activities(console: &mut CallsClient<Channel>, request_id: &str, count: usize) -> Call {
    soon("recorded activities", async {
        loop {
            let request = GetRequest { request_id: request_id.to_owned(), wait_ms: 0 };
            if let Ok(response) = console.get(request).await
                && let Some(call) = response.into_inner().calls.pop()
                && call.activities.len() >= count
            {
                return call;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

fn kinds(call: &Call) -> Vec<(Kind, Option<u32>)> {
    call.activities.iter().map(|activity| (activity.kind(), activity.code)).collect()
}

#[tokio::test]
async fn attempts_and_backoffs_are_recorded_unless_there_is_one_attempt() {
    let mut upstream = RawUpstream::start().await;
    let (server, mut console) = with_console(&upstream, QUICK).await;
    let (handler, backoff) = ((Kind::Handler, None), (Kind::Backoff, None));
    let (failed, good) = ((Kind::Child, Some(14)), (Kind::Child, Some(0)));
    for (id, responses, expected) in [
        ("one", &[&succeed as &dyn Fn(&mut Arrived)][..], vec![handler]),
        ("three", &[&fail, &fail, &succeed], vec![handler, failed, backoff, failed, backoff, good]),
        ("none", &[&fail, &fail, &fail], vec![handler, failed, backoff, failed, backoff, failed]),
    ] {
        attempts(&mut upstream, &server, &[("x-request-id", id)], responses).await;
        let request = GetRequest { request_id: id.to_owned(), wait_ms: 10_000 };
        let call = console.get(request).await.unwrap().into_inner().calls.pop().unwrap();
        assert_eq!(kinds(&call), expected, "{id}");
        assert!(call.activities.iter().all(|activity| activity.stopped_ms.is_some()), "{id}");
        for child in call.activities.iter().filter(|activity| activity.kind() == Kind::Child) {
            assert_eq!(child.name, PATH);
        }
    }
}

#[tokio::test]
async fn a_backoff_beyond_the_deadline_is_recorded() {
    let mut upstream = RawUpstream::start().await;
    let (server, mut console) = with_console(&upstream, SLOW).await;
    let headers = [("x-request-id", "late"), ("grpc-timeout", "300S")];
    attempts(&mut upstream, &server, &headers, &[&fail]).await;
    let call = activities(&mut console, "late", 3).await;
    assert_eq!(kinds(&call)[1..], [(Kind::Child, Some(14)), (Kind::Backoff, None)]);
    let Activity { started_ms, stopped_ms, planned_ms, .. } = call.activities[2];
    assert!(planned_ms.unwrap() > 300_000.0 && stopped_ms.unwrap() - started_ms < 300_000.0);
}

#[tokio::test]
async fn a_cancellation_by_an_operator_or_the_caller_ends_a_backoff() {
    let mut upstream = RawUpstream::start().await;
    let (server, mut console) = with_console(&upstream, SLOW).await;
    for (id, by_caller) in [("left", true), ("cancelled", false)] {
        let address = server.address;
        let calling = tokio::spawn(async move { call(address, Wire::GRPC, &[("x-request-id", id)]).await });
        fail(&mut upstream.call().await);
        let waiting = activities(&mut console, id, 3).await;
        assert_eq!(waiting.activities[2].stopped_ms, None, "the backoff has not ended");
        if by_caller {
            calling.abort();
        } else {
            let words = "moving house".to_owned();
            console.cancel(CancelRequest { call_id: waiting.call_id, message: words }).await.unwrap();
            let ending = soon("the end", calling).await.unwrap().1;
            assert_eq!((ending.code, ending.words.as_str()), (1, "moving house"));
        }
        let request = GetRequest { request_id: id.to_owned(), wait_ms: 10_000 };
        let ended = console.get(request).await.unwrap().into_inner().calls.pop().unwrap();
        assert!(
            ended.end.is_some() && ended.activities.iter().all(|activity| activity.stopped_ms.is_some()),
            "{id}"
        );
        assert_eq!(ended.activities.len(), 3, "no further attempt");
    }
}

#[tokio::test]
async fn the_deadline_ends_an_attempt_and_resets_its_stream() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &[QUICK]).await;
    let ((_, ending), reason) =
        tokio::join!(call(server.address, Wire::WEB_H1, &[("grpc-timeout", "1500m")]), async {
            fail(&mut upstream.call().await);
            upstream.call().await.reset().await
        });
    assert_eq!((ending.code, reason), (4, h2::Reason::CANCEL));
}

#[tokio::test]
async fn cancellation_during_the_response_of_a_later_attempt_resets_its_stream() {
    let mut upstream = RawUpstream::start().await;
    let server = start(&upstream, &[QUICK]).await;
    let key = told("k");
    let (mut answer, mut stream) = tokio::join!(Wire::WEB_H1.call(server.address, PATH, &key), async {
        fail(&mut upstream.call().await);
        let mut stream = upstream.call().await.begin(&[]);
        stream.send_data(reply(), false).unwrap();
        stream
    });
    assert_eq!(answer.message::<Progress>().await.unwrap().message, "at last");
    drop(answer);
    assert_eq!(soon("a reset", reset_of(&mut stream)).await, h2::Reason::CANCEL);
}
