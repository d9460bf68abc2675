//! The console tells how calls are and how they ended, and ends one.

use std::time::Duration;

use clap::Parser as _;
use drawbridge::samples::{FrontendService, UserService};
use drawbridge::{Bridge, CallsService, HostPolicy, directory::Directory, in_process};
use drawbridge_proto::calls::calls_client::CallsClient;
use drawbridge_proto::calls::calls_server::CallsServer;
use drawbridge_proto::calls::end::Reason;
use drawbridge_proto::calls::work::Kind;
use drawbridge_proto::calls::{
    Call, CancelRequest, End, GetRequest, Protocol, WatchRequest, WatchResponse, Work,
};
use drawbridge_proto::frontend::GetUserRequest;
use drawbridge_proto::frontend::frontend_service_server::FrontendServiceServer;
use drawbridge_proto::user::user_service_server::UserServiceServer;
use drawbridge_proto::user::{FailFirst, UserRequest};
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

use crate::support::client::{Answer, Wire, frame};
use crate::support::probe::{Probe, told};
use crate::support::{Server, soon};

const STREAM: &str = "/Message/Stream";
const FRONTEND: &str = "/frontend.FrontendService/GetUser";
const WATCH: &str = "/drawbridge.calls.v1.Calls/Watch";

/// Hosts the console for the calls of a bridge.
fn with_console(mut bridge: Bridge) -> Bridge {
    let console = CallsService::new(bridge.calls(), HostPolicy::Loopback { also: Vec::new() });
    bridge.serve(CallsServer::new(console))
}

/// A server whose console is asked over a connection of its own.
async fn start(bridge: Bridge) -> (Server, CallsClient<Channel>) {
    let server = Server::start(with_console(bridge)).await;
    let channel = Endpoint::from_shared(format!("http://{}", server.address)).unwrap().connect_lazy();
    (server, CallsClient::new(channel))
}

/// The frontend and, behind it, the user service.
fn frontend() -> Bridge {
    let directory = Directory::in_memory().unwrap();
    let mut bridge = Bridge::new();
    let users = UserServiceServer::new(UserService::new(directory));
    let users = Bridge::new().share_calls(bridge.calls()).serve(users);
    bridge.serve(FrontendServiceServer::new(FrontendService::new(in_process(users.into_router()))))
}

async fn call(
    wire: Wire,
    server: &Server,
    path: &str,
    message: &impl prost::Message,
    headers: &[(&str, &str)],
) -> Answer {
    wire.call_with(&mut wire.connect(server.address).await, path, frame(message), headers).await
}

async fn watch(console: &mut CallsClient<Channel>) -> Streaming<WatchResponse> {
    console.watch(WatchRequest {}).await.unwrap().into_inner()
}

/// Waits until the console tells of a call that is as wanted.
async fn tells(watched: &mut Streaming<WatchResponse>, wanted: impl Fn(&Call) -> bool) -> Call {
    soon("the console to tell of a call", async {
        loop {
            let response = watched.message().await.unwrap().unwrap();
            if let Some(call) = response.calls.into_iter().find(&wanted) {
                return call;
            }
        }
    })
    .await
}

async fn get(console: &mut CallsClient<Channel>, request_id: &str) -> Vec<Call> {
    let request = GetRequest { request_id: request_id.to_owned(), wait_ms: 10_000 };
    console.get(request).await.unwrap().into_inner().calls
}

fn reason(call: &Call) -> Option<Reason> {
    call.end.as_ref().map(End::reason)
}

fn kinds(call: &Call) -> Vec<Kind> {
    call.works.iter().map(Work::kind).collect()
}

fn stopped(call: &Call) -> bool {
    call.works.iter().all(|work| work.stopped_ms.is_some())
}

#[tokio::test]
async fn a_watcher_sees_a_call_open_send_and_end() {
    let (bridge, mut events) = Probe::hosted();
    let (server, mut console) = start(bridge).await;
    let mut watched = watch(&mut console).await;
    let first = soon("the first response", watched.message()).await.unwrap().unwrap();
    assert!(
        first.reset && first.calls.is_empty() && first.open == 0,
        "the watcher itself is not told: {first:?}"
    );

    let headers = [("x-request-id", "order-17"), ("grpc-timeout", "1H"), ("grpc-previous-rpc-attempts", "2")];
    let answer = call(Wire::WEB_H1, &server, STREAM, &told("three"), &headers).await;
    let context = events.started().await;
    let opened = tells(&mut watched, |call| call.messages == 3).await;
    assert_eq!(opened.call_id, context.call_id().to_string());
    assert_eq!((opened.request_id.as_str(), opened.method.as_str()), ("order-17", STREAM));
    assert_eq!(opened.peer, context.peer().map(|peer| peer.to_string()));
    assert_eq!(opened.protocol(), Protocol::GrpcWeb);
    assert_eq!((opened.asked_ms, opened.granted_ms), (Some(3_600_000.0), Some(3_600_000.0)));
    assert_eq!((opened.previous_attempts, opened.parent_call_id.as_deref()), (2, None));
    assert_eq!((opened.end.as_ref(), stopped(&opened)), (None, false));

    drop(answer);
    let ended = tells(&mut watched, |call| call.end.is_some() && stopped(call)).await;
    assert_eq!((reason(&ended), ended.end.as_ref().unwrap().code), (Some(Reason::ClientGone), 1));
    assert_eq!((kinds(&ended), ended.call_id), (vec![Kind::Handler], opened.call_id));
    assert!(
        ended.works[0].stopped_ms.unwrap() >= ended.elapsed_ms,
        "the reason is on record before anything stops"
    );
}

#[tokio::test]
async fn a_watcher_that_comes_later_is_told_what_is_open_and_what_has_ended() {
    let (bridge, mut events) = Probe::hosted();
    let (server, mut console) = start(bridge).await;
    let _open = call(Wire::GRPC, &server, STREAM, &told("silent"), &[]).await;
    events.started().await;
    assert_eq!(call(Wire::GRPC, &server, STREAM, &told("fail"), &[]).await.ending().await.code, 9);
    let first = soon("the first response", watch(&mut console).await.message()).await.unwrap().unwrap();
    let mut ends: Vec<_> = first.calls.iter().map(|call| call.end.as_ref().map(|end| end.code)).collect();
    ends.sort_unstable();
    assert_eq!((first.reset, first.open, ends), (true, 1, vec![None, Some(9)]));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_does_not_read_is_told_what_it_missed_and_holds_up_nobody() {
    let (bridge, _events) = Probe::hosted();
    let router = with_console(bridge).into_router();
    // Nothing but this test polls the watcher.
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
    let (mut told, mut skipped) = (0, 0);
    while told < 1_000 {
        let response: WatchResponse = watcher.message().await.unwrap();
        assert_eq!(response.reset, told == 0, "what was told before no longer counts");
        told += response.calls.len();
        skipped += response.skipped;
    }
    assert_eq!((told, skipped), (1_000, 1_500));
    one().await.ending().await;
    let next: WatchResponse = watcher.message().await.unwrap();
    assert_eq!((next.reset, next.skipped, next.calls.len()), (false, 0, 1));
}

#[tokio::test]
async fn an_operator_ends_a_call_in_the_middle_of_its_stream() {
    let (bridge, mut events) = Probe::hosted();
    let (server, mut console) = start(bridge).await;
    for wire in Wire::ALL {
        let mut answer = call(wire, &server, STREAM, &told("three"), &[]).await;
        let call_id = events.started().await.call_id().to_string();
        for _ in 0..3 {
            answer.message::<()>().await.unwrap();
        }
        let request = CancelRequest { call_id: call_id.clone(), words: "moving house".to_owned() };
        let done = console.cancel(request).await.unwrap().into_inner();
        assert_eq!(
            (done.cancelled, done.call.as_ref().map(|call| call.call_id.clone())),
            (true, Some(call_id))
        );
        assert_eq!(reason(&done.call.unwrap()), Some(Reason::CancelledByOperator));
        let ending = answer.ending().await;
        assert_eq!((ending.code, ending.words.as_str()), (1, "moving house"), "{wire:?}");
        events.released().await;
    }
}

#[tokio::test]
async fn a_call_that_has_just_ended_is_told_as_it_ended() {
    let (bridge, mut events) = Probe::hosted();
    let (server, mut console) = start(bridge).await;
    let ending = call(Wire::GRPC, &server, STREAM, &told("fail"), &[]).await;
    let call_id = events.started().await.call_id().to_string();
    ending.ending().await;
    let done = console.cancel(CancelRequest { call_id, words: String::new() }).await.unwrap().into_inner();
    let end = done.call.unwrap().end.unwrap();
    assert_eq!((done.cancelled, end.reason(), end.code), (false, Reason::Completed, 9));
}

#[tokio::test]
async fn what_is_not_known_is_said_to_be_so() {
    let (bridge, _events) = Probe::hosted();
    let (_server, mut console) = start(bridge).await;
    let cancel = async |console: &mut CallsClient<Channel>, call_id: String, words: String| -> Status {
        console.cancel(CancelRequest { call_id, words }).await.unwrap_err()
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

/// Asks the frontend for a user, whose lookup takes so long and whose first attempts fail.
fn asks(lookup_ms: u32, fail: Option<FailFirst>) -> GetUserRequest {
    let user = UserRequest { name: "ada".to_owned(), lookup_ms, fail };
    GetUserRequest { user: Some(user), child_timeout_ms: None, fail: None }
}

#[tokio::test]
async fn the_hops_and_attempts_of_a_request_are_told_in_their_order() {
    let (server, mut console) = start(frontend()).await;
    let fail = FailFirst { attempts: 2, code: 14, pushback_ms: Some(0) };
    let headers = [("x-request-id", "order-17"), ("grpc-timeout", "1H")];
    let answer = call(Wire::WEB_H1, &server, FRONTEND, &asks(0, Some(fail)), &headers).await;
    assert_eq!(answer.finish::<()>().await.1.code, 0);
    let calls = get(&mut console, "order-17").await;
    let [frontend, users @ ..] = &calls[..] else { panic!("no calls") };
    assert_eq!((frontend.method.as_str(), frontend.parent_call_id.as_ref()), (FRONTEND, None));
    assert_eq!(
        kinds(frontend),
        [Kind::Handler, Kind::Child, Kind::Backoff, Kind::Child, Kind::Backoff, Kind::Child]
    );
    let codes: Vec<_> = frontend.works.iter().filter_map(|work| work.code).collect();
    assert_eq!(codes, [14, 14, 0]);
    assert_eq!(users.len(), 3);
    for (attempt, user) in users.iter().enumerate() {
        assert_eq!(user.parent_call_id.as_ref(), Some(&frontend.call_id));
        assert_eq!(user.previous_attempts as usize, attempt);
        assert_eq!(user.end.as_ref().unwrap().code, if attempt < 2 { 14 } else { 0 });
        assert!(user.asked_ms.unwrap() < frontend.granted_ms.unwrap());
    }
    assert_eq!(kinds(&users[2]), [Kind::Handler, Kind::Query]);
    assert!(calls.iter().all(stopped));
}

#[tokio::test]
async fn a_wait_that_was_skipped_is_on_record() {
    let (server, mut console) = start(frontend()).await;
    let fail = FailFirst { attempts: 5, code: 14, pushback_ms: Some(7_200_000) };
    let headers = [("x-request-id", "order-17"), ("grpc-timeout", "1H")];
    let answer = call(Wire::WEB_H1, &server, FRONTEND, &asks(0, Some(fail)), &headers).await;
    let ending = answer.ending().await;
    assert_eq!(ending.code, 4);
    assert!(
        ending.words.contains("the last one failed with UNAVAILABLE: attempt 1 fails"),
        "{}",
        ending.words
    );
    let calls = get(&mut console, "order-17").await;
    let [_, _, backoff] = &calls[0].works[..] else { panic!("{:?}", calls[0].works) };
    assert_eq!((backoff.kind(), backoff.planned_ms), (Kind::Backoff, Some(7_200_000.0)));
    assert!(backoff.stopped_ms.unwrap() - backoff.started_ms < 1_000.0, "an hour is not slept: {backoff:?}");
}

#[tokio::test]
async fn leaving_is_told_with_the_stop_of_the_handler_the_child_and_the_query() {
    let (server, mut console) = start(frontend()).await;
    for wire in Wire::ALL {
        let label = format!("{wire:?}").replace(|letter: char| !letter.is_ascii_alphanumeric(), "");
        let mut connection = wire.connect(server.address).await;
        let left = {
            let label = label.clone();
            tokio::spawn(async move {
                let headers = [("x-request-id", label.as_str())];
                wire.call_with(&mut connection, FRONTEND, frame(&asks(60_000, None)), &headers).await
            })
        };
        let mut watched = watch(&mut console).await;
        tells(&mut watched, |call| call.request_id == label && kinds(call).contains(&Kind::Query)).await;
        left.abort();
        let calls = get(&mut console, &label).await;
        assert_eq!(calls.len(), 2, "{wire:?}");
        for (call, last) in calls.iter().zip([Kind::Child, Kind::Query]) {
            assert_eq!((reason(call), kinds(call)), (Some(Reason::ClientGone), vec![Kind::Handler, last]));
            assert!(stopped(call), "asked with patience, it is told when all has stopped: {call:?}");
        }
    }
}

#[tokio::test]
async fn a_page_from_elsewhere_is_shown_nothing_whatever_else_it_may_call() {
    let (bridge, _events) = Probe::hosted();
    let server =
        Server::start(with_console(bridge.allow_origins(["https://app.example".parse().unwrap()]))).await;
    for (origin, code) in
        [("https://app.example", 7), ("null", 7), ("http://localhost:3000", 5), ("http://127.0.0.1:8080", 5)]
    {
        let request = GetRequest { request_id: "order-17".to_owned(), wait_ms: 0 };
        let path = "/drawbridge.calls.v1.Calls/Get";
        let answer = call(Wire::WEB_H1, &server, path, &request, &[("origin", origin)]).await;
        assert_eq!(answer.ending().await.code, code, "{origin}");
    }
}

#[tokio::test]
async fn a_wait_ends_when_its_time_is_up() {
    let (bridge, mut events) = Probe::hosted();
    let (server, mut console) = start(bridge).await;
    let _open = call(Wire::GRPC, &server, STREAM, &told("silent"), &[("x-request-id", "order-17")]).await;
    events.started().await;
    let request = GetRequest { request_id: "order-17".to_owned(), wait_ms: 20 };
    let calls = soon("an answer", console.get(request)).await.unwrap().into_inner().calls;
    assert_eq!(calls[0].end, None);
    assert!(calls[0].elapsed_ms >= 20.0);
    tokio::time::timeout(Duration::ZERO, events.released()).await.unwrap_err();
}

/// Lists the services that a server reflects.
async fn reflected(channel: Channel) -> Vec<String> {
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
async fn it_is_there_for_this_machine_only() {
    let config = drawbridge::Config::try_parse_from(["drawbridge"]).unwrap();
    for (listen, code) in [("127.0.0.1:0", Code::NotFound), ("0.0.0.0:0", Code::Unimplemented)] {
        let listener = TcpListener::bind(listen).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let prepared = drawbridge::prepare(&config, &listener).await.unwrap();
        let server = tokio::spawn(prepared.serve(listener, std::future::pending()));
        let channel = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap().connect_lazy();
        let request = GetRequest { request_id: "order-17".to_owned(), wait_ms: 0 };
        let status = CallsClient::new(channel.clone()).get(request).await.unwrap_err();
        assert_eq!(status.code(), code, "{listen}: {status}");
        let told = reflected(channel).await.contains(&"drawbridge.calls.v1.Calls".to_owned());
        assert_eq!(told, code == Code::NotFound, "{listen}");
        server.abort();
    }
}
