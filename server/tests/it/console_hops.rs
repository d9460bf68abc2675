//! The console shows the hops of a request, the attempts at it, and their queries.

use drawbridge::{Bridge, in_process};
use drawbridge_calls_proto::activity::Kind;
use drawbridge_calls_proto::end::Reason;
use drawbridge_gateway::directory::Directory;
use drawbridge_gateway::samples::{FrontendService, UserService};
use drawbridge_proto::frontend::GetUserRequest;
use drawbridge_proto::frontend::frontend_service_server::FrontendServiceServer;
use drawbridge_proto::user::user_service_server::UserServiceServer;
use drawbridge_proto::user::{FailFirst, UserRequest};

use crate::support::client::{Wire, frame};
use crate::support::console::{get, kinds, listed, reason, start, stopped, watch};

const FRONTEND: &str = "/frontend.FrontendService/GetUser";

/// The frontend and, behind it, the user service.
fn frontend() -> Bridge {
    let directory = Directory::in_memory().unwrap();
    let mut bridge = Bridge::new();
    let users = UserServiceServer::new(UserService::new(directory));
    let users = Bridge::new().share_calls(bridge.calls()).add_service(users);
    bridge.add_service(FrontendServiceServer::new(FrontendService::new(in_process(users.into_router()))))
}

/// A request for a user, with the duration of its lookup and the attempts that fail.
fn request_user(lookup_ms: u32, fail: Option<FailFirst>) -> GetUserRequest {
    let user = UserRequest { name: "ada".to_owned(), lookup_ms, fail };
    GetUserRequest { user: Some(user), child_timeout_ms: None, fail: None }
}

#[tokio::test]
async fn the_hops_and_attempts_of_a_request_are_listed_in_order() {
    let (server, mut console) = start(frontend()).await;
    let fail = FailFirst { attempts: 2, code: 14, pushback_ms: Some(0) };
    let headers = [("x-request-id", "order-17"), ("grpc-timeout", "1H")];
    let answer = Wire::WEB_H1
        .call_with_headers(server.address, FRONTEND, &request_user(0, Some(fail)), &headers)
        .await;
    assert_eq!(answer.finish::<()>().await.1.code, 0);
    let calls = get(&mut console, "order-17").await;
    let [frontend, users @ ..] = &calls[..] else { panic!("no calls") };
    assert_eq!((frontend.method.as_str(), frontend.parent_call_id.as_ref()), (FRONTEND, None));
    assert_eq!(
        kinds(frontend),
        [Kind::Handler, Kind::Child, Kind::Backoff, Kind::Child, Kind::Backoff, Kind::Child]
    );
    let codes: Vec<_> = frontend.activities.iter().filter_map(|activity| activity.code).collect();
    assert_eq!(codes, [14, 14, 0]);
    assert_eq!(users.len(), 3);
    for (attempt, user) in users.iter().enumerate() {
        assert_eq!(user.parent_call_id.as_ref(), Some(&frontend.call_id));
        assert_eq!(user.previous_attempts as usize, attempt);
        assert_eq!(user.end.as_ref().unwrap().code, if attempt < 2 { 14 } else { 0 });
        assert!(user.asked_ms.unwrap() < frontend.granted_ms.unwrap());
    }
    assert_eq!(kinds(&users[2]), [Kind::Handler, Kind::Named]);
    assert!(calls.iter().all(stopped));
}

#[tokio::test]
async fn the_frontend_fails_the_requested_number_of_attempts() {
    let (server, _console) = start(frontend()).await;
    let fail = Some(FailFirst { attempts: 2, code: 8, pushback_ms: None });
    let request = GetUserRequest { fail, ..request_user(0, None) };
    for (previous, code) in [("0", 8), ("1", 8), ("2", 0)] {
        let headers = [("grpc-previous-rpc-attempts", previous)];
        let answer = Wire::WEB_H1.call_with_headers(server.address, FRONTEND, &request, &headers).await;
        assert_eq!(answer.finish::<()>().await.1.code, code, "{previous}");
    }
}

#[tokio::test]
async fn a_skipped_backoff_is_recorded() {
    let (server, mut console) = start(frontend()).await;
    let fail = FailFirst { attempts: 5, code: 14, pushback_ms: Some(7_200_000) };
    let headers = [("x-request-id", "order-17"), ("grpc-timeout", "1H")];
    let answer = Wire::WEB_H1
        .call_with_headers(server.address, FRONTEND, &request_user(0, Some(fail)), &headers)
        .await;
    let ending = answer.ending().await;
    assert_eq!(ending.code, 4);
    assert!(
        ending.words.contains("the last one failed with UNAVAILABLE: attempt 1 fails"),
        "{}",
        ending.words
    );
    let calls = get(&mut console, "order-17").await;
    let [_, _, backoff] = &calls[0].activities[..] else { panic!("{:?}", calls[0].activities) };
    assert_eq!((backoff.kind(), backoff.planned_ms), (Kind::Backoff, Some(7_200_000.0)));
    assert!(
        backoff.stopped_ms.unwrap() - backoff.started_ms < 1_000.0,
        "the backoff of two hours is skipped: {backoff:?}"
    );
}

#[tokio::test]
async fn a_disconnect_is_recorded_with_the_stop_of_handler_child_call_and_query() {
    let (server, mut console) = start(frontend()).await;
    for wire in Wire::ALL {
        let label = format!("{wire:?}").replace(|letter: char| !letter.is_ascii_alphanumeric(), "");
        let mut connection = wire.connect(server.address).await;
        let calling = {
            let label = label.clone();
            tokio::spawn(async move {
                let headers = [("x-request-id", label.as_str())];
                wire.call_with(&mut connection, FRONTEND, frame(&request_user(60_000, None)), &headers).await
            })
        };
        let mut watched = watch(&mut console).await;
        listed(&mut watched, |call| call.request_id == label && kinds(call).contains(&Kind::Named)).await;
        calling.abort();
        let calls = get(&mut console, &label).await;
        assert_eq!(calls.len(), 2, "{wire:?}");
        for (call, last) in calls.iter().zip([Kind::Child, Kind::Named]) {
            assert_eq!((reason(call), kinds(call)), (Some(Reason::ClientGone), vec![Kind::Handler, last]));
            assert!(stopped(call), "get waits until everything has stopped: {call:?}");
        }
    }
}
