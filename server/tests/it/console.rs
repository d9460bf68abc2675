//! The console lists open and ended calls, and ends calls.

use std::time::Duration;

use clap::Parser as _;
use drawbridge_calls_proto::activity::Kind;
use drawbridge_calls_proto::calls_client::CallsClient;
use drawbridge_calls_proto::end::Reason;
use drawbridge_calls_proto::{
    CancelRequest, GetRequest, Protocol, ServicesRequest, ServicesResponse, WatchRequest, WatchResponse,
};
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::support::client::{Wire, frame};
use crate::support::console::{kinds, listed, reason, start, stopped, watch, with_console};
use crate::support::probe::{Probe, told};
use crate::support::{Server, soon};

const STREAM: &str = "/Message/Stream";
const WATCH: &str = "/drawbridge.calls.v1.Calls/Watch";

#[tokio::test]
async fn a_watcher_sees_a_call_open_send_and_end() {
    let (bridge, mut events) = Probe::hosted();
    let (server, mut console) = start(bridge).await;
    let mut watched = watch(&mut console).await;
    let first = soon("the first response", watched.message()).await.unwrap().unwrap();
    assert!(
        first.reset && first.calls.is_empty() && first.open == 0,
        "the call to the console is not listed: {first:?}"
    );

    let headers = [("x-request-id", "order-17"), ("grpc-timeout", "1H"), ("grpc-previous-rpc-attempts", "2")];
    let answer = Wire::WEB_H1.call_with_headers(server.address, STREAM, &told("three"), &headers).await;
    let context = events.started().await;
    let opened = listed(&mut watched, |call| call.messages == 3).await;
    assert_eq!(opened.call_id, context.call_id().to_string());
    assert_eq!((opened.request_id.as_str(), opened.method.as_str()), ("order-17", STREAM));
    assert_eq!(opened.peer, context.peer().map(|peer| peer.to_string()));
    assert_eq!(opened.protocol(), Protocol::GrpcWeb);
    assert_eq!((opened.asked_ms, opened.granted_ms), (Some(3_600_000.0), Some(3_600_000.0)));
    assert_eq!((opened.previous_attempts, opened.parent_call_id.as_deref()), (2, None));
    assert_eq!((opened.end.as_ref(), stopped(&opened)), (None, false));

    drop(answer);
    let ended = listed(&mut watched, |call| call.end.is_some() && stopped(call)).await;
    assert_eq!((reason(&ended), ended.end.as_ref().unwrap().code), (Some(Reason::ClientGone), 1));
    assert_eq!((kinds(&ended), ended.call_id), (vec![Kind::Handler], opened.call_id));
    assert!(
        ended.activities[0].stopped_ms.unwrap() >= ended.elapsed_ms,
        "the end reason is recorded before the handler stops"
    );
}

#[tokio::test]
async fn a_later_watcher_gets_the_open_calls_and_the_ended_ones() {
    let (bridge, mut events) = Probe::hosted();
    let (server, mut console) = start(bridge).await;
    let _open = Wire::GRPC.call(server.address, STREAM, &told("silent")).await;
    events.started().await;
    assert_eq!(Wire::GRPC.call(server.address, STREAM, &told("fail")).await.ending().await.code, 9);
    let first = soon("the first response", watch(&mut console).await.message()).await.unwrap().unwrap();
    let mut ends: Vec<_> = first.calls.iter().map(|call| call.end.as_ref().map(|end| end.code)).collect();
    ends.sort_unstable();
    assert_eq!((first.reset, first.open, ends), (true, 1, vec![None, Some(9)]));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_does_not_read_delays_no_call_and_gets_a_count_of_skipped_calls() {
    let (bridge, _events) = Probe::hosted();
    let router = with_console(bridge).into_router();
    // Only this test polls the watcher.
    let mut watcher = Wire::GRPC.call_router(router.clone(), WATCH, frame(&WatchRequest {}), &[]).await;
    let first: WatchResponse = watcher.message().await.unwrap();
    assert!(first.reset);
    let one = || Wire::GRPC.call_router(router.clone(), STREAM, frame(&told("fail")), &[]);
    one().await.ending().await;
    let next: WatchResponse = watcher.message().await.unwrap();
    assert_eq!((next.reset, next.skipped, next.calls.len()), (false, 0, 1));
    for _ in 0..2_500 {
        one().await.ending().await;
    }
    let (mut received, mut skipped) = (0, 0);
    while received < 1_000 {
        let response: WatchResponse = watcher.message().await.unwrap();
        assert_eq!(response.reset, received == 0, "earlier responses are discarded");
        received += response.calls.len();
        skipped += response.skipped;
    }
    assert_eq!((received, skipped), (1_000, 1_500));
    one().await.ending().await;
    let next: WatchResponse = watcher.message().await.unwrap();
    assert_eq!((next.reset, next.skipped, next.calls.len()), (false, 0, 1));
}

#[tokio::test]
async fn an_operator_cancels_a_call_during_its_stream() {
    let (bridge, mut events) = Probe::hosted();
    let (server, mut console) = start(bridge).await;
    for wire in Wire::ALL {
        let mut answer = wire.call(server.address, STREAM, &told("three")).await;
        let call_id = events.started().await.call_id().to_string();
        for _ in 0..3 {
            answer.message::<()>().await.unwrap();
        }
        let request = CancelRequest { call_id: call_id.clone(), message: "takes too long".to_owned() };
        let done = console.cancel(request).await.unwrap().into_inner();
        assert_eq!(
            (done.cancelled, done.call.as_ref().map(|call| call.call_id.clone())),
            (true, Some(call_id))
        );
        assert_eq!(reason(&done.call.unwrap()), Some(Reason::CancelledByOperator));
        let ending = answer.ending().await;
        assert_eq!((ending.code, ending.words.as_str()), (1, "takes too long"), "{wire:?}");
        events.released().await;
    }
}

#[tokio::test]
async fn cancelling_an_ended_call_returns_how_it_ended() {
    let (bridge, mut events) = Probe::hosted();
    let (server, mut console) = start(bridge).await;
    let ending = Wire::GRPC.call(server.address, STREAM, &told("fail")).await;
    let call_id = events.started().await.call_id().to_string();
    ending.ending().await;
    let done = console.cancel(CancelRequest { call_id, message: String::new() }).await.unwrap().into_inner();
    let end = done.call.unwrap().end.unwrap();
    assert_eq!((done.cancelled, end.reason(), end.code), (false, Reason::Completed, 9));
}

#[tokio::test]
async fn unknown_and_invalid_ids_are_errors() {
    let (bridge, _events) = Probe::hosted();
    let (_server, mut console) = start(bridge).await;
    let cancel = async |console: &mut CallsClient<Channel>, call_id: String, message: String| -> Status {
        console.cancel(CancelRequest { call_id, message }).await.unwrap_err()
    };
    let unknown = cancel(&mut console, "0".repeat(32), String::new()).await;
    assert_eq!(unknown.code(), Code::NotFound);
    let malformed = cancel(&mut console, "seventeen".to_owned(), String::new()).await;
    assert_eq!(malformed.code(), Code::InvalidArgument);
    assert!(malformed.message().contains("\"seventeen\""), "{malformed}");
    let long = cancel(&mut console, "0".repeat(32), "x".repeat(257)).await;
    assert_eq!(long.code(), Code::InvalidArgument);
    for (request_id, wait_ms, code) in [
        ("order-17", 0, Code::NotFound),
        ("order-17", 1, Code::NotFound),
        ("order-17", 10_001, Code::InvalidArgument),
    ] {
        let request = GetRequest { request_id: request_id.to_owned(), wait_ms };
        assert_eq!(console.get(request).await.unwrap_err().code(), code, "{wait_ms}");
    }
}

#[tokio::test]
async fn pages_of_other_hosts_cannot_use_the_console_even_if_their_origin_is_allowed() {
    let (bridge, _events) = Probe::hosted();
    let server =
        Server::start(with_console(bridge.allow_origins(["https://app.example".parse().unwrap()]))).await;
    for (origin, code) in
        [("https://app.example", 7), ("null", 7), ("http://localhost:3000", 5), ("http://127.0.0.1:8080", 5)]
    {
        let request = GetRequest { request_id: "order-17".to_owned(), wait_ms: 0 };
        let path = "/drawbridge.calls.v1.Calls/Get";
        let answer =
            Wire::WEB_H1.call_with_headers(server.address, path, &request, &[("origin", origin)]).await;
        assert_eq!(answer.ending().await.code, code, "{origin}");
        let path = "/drawbridge.calls.v1.Calls/Services";
        let answer = Wire::WEB_H1
            .call_with_headers(server.address, path, &ServicesRequest {}, &[("origin", origin)])
            .await;
        // A page of this machine gets NOT_FOUND for the unknown request id, and the list of services.
        let expected = if code == 5 { 0 } else { code };
        assert_eq!(answer.finish::<ServicesResponse>().await.1.code, expected, "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn get_does_not_wait_if_all_calls_have_stopped() {
    let (bridge, _events) = Probe::hosted();
    let router = with_console(bridge).into_router();
    let label = [("x-request-id", "order-17")];
    Wire::GRPC.call_router(router.clone(), STREAM, frame(&told("fail")), &label).await.ending().await;
    let start = tokio::time::Instant::now();
    let request = GetRequest { request_id: "order-17".to_owned(), wait_ms: 10_000 };
    let path = "/drawbridge.calls.v1.Calls/Get";
    let answer = Wire::GRPC.call_router(router, path, frame(&request), &[]).await;
    assert_eq!(answer.finish::<()>().await.1.code, 0);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn get_returns_open_calls_when_its_wait_is_over() {
    let (bridge, mut events) = Probe::hosted();
    let (server, mut console) = start(bridge).await;
    let _open = Wire::GRPC
        .call_with_headers(server.address, STREAM, &told("silent"), &[("x-request-id", "order-17")])
        .await;
    events.started().await;
    let request = GetRequest { request_id: "order-17".to_owned(), wait_ms: 20 };
    let calls = soon("an answer", console.get(request)).await.unwrap().into_inner().calls;
    assert_eq!(calls[0].end, None);
    assert!(calls[0].elapsed_ms >= 20.0);
    tokio::time::timeout(Duration::ZERO, events.released()).await.unwrap_err();
}

/// Returns the services that a server lists by reflection.
async fn services_by_reflection(channel: Channel) -> Vec<String> {
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

    let list = tonic_reflection::pb::v1::ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut client = ServerReflectionClient::new(channel);
    let answers = client.server_reflection_info(tokio_stream::iter([list])).await;
    match answers.unwrap().into_inner().message().await.unwrap().unwrap().message_response {
        Some(MessageResponse::ListServicesResponse(list)) => {
            list.service.into_iter().map(|service| service.name).collect()
        }
        other => panic!("not a list: {other:?}"),
    }
}

#[tokio::test]
async fn it_is_served_on_loopback_addresses_only() {
    let config = drawbridge_gateway::Config::try_parse_from(["drawbridge"]).unwrap();
    for (listen, code) in [("127.0.0.1:0", Code::NotFound), ("0.0.0.0:0", Code::Unimplemented)] {
        let listener = TcpListener::bind(listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let port = address.port();
        let server = drawbridge_gateway::Server::new(&config, address).await.unwrap();
        let server = tokio::spawn(server.serve(listener, std::future::pending()));
        let channel = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap().connect_lazy();
        let request = GetRequest { request_id: "order-17".to_owned(), wait_ms: 0 };
        let status = CallsClient::new(channel.clone()).get(request).await.unwrap_err();
        assert_eq!(status.code(), code, "{listen}: {status}");
        let listed = services_by_reflection(channel).await;
        let listed = listed.contains(&"drawbridge.calls.v1.Calls".to_owned());
        assert_eq!(listed, code == Code::NotFound, "{listen}");
        server.abort();
    }
}
