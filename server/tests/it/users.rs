//! The user service and its frontend: deadlines and cancellation over two hops and a database query.

use drawbridge::{Bridge, in_process};
use drawbridge_gateway::directory::Directory;
use drawbridge_gateway::samples::{FrontendService, GreeterService, UserService};
use drawbridge_proto::FILE_DESCRIPTOR_SET;
use drawbridge_proto::frontend::frontend_service_server::FrontendServiceServer;
use drawbridge_proto::frontend::{GetUserRequest, GetUserResponse};
use drawbridge_proto::greet::HelloRequest;
use drawbridge_proto::greet::greeter_server::GreeterServer;
use drawbridge_proto::user::user_service_server::UserServiceServer;
use drawbridge_proto::user::{UserRequest, UserResponse};
use prost::Message;
use rusqlite::Connection;
use tonic::transport::Endpoint;

use crate::support::client::{Answer, Wire};
use crate::support::{Server, soon};

const USER: &str = "/user.UserService/GetUser";
const FRONTEND: &str = "/frontend.FrontendService/GetUser";

/// The user service, the frontend that calls it in memory, and the greeter.
fn hosted(directory: &Directory) -> Bridge {
    let user_service = || UserServiceServer::new(UserService::new(directory.clone()));
    let mut bridge = Bridge::new();
    let users = Bridge::new().share_calls(bridge.calls()).add_service(user_service());
    bridge
        .add_service(user_service())
        .add_service(FrontendServiceServer::new(FrontendService::new(in_process(users.into_router()))))
        .add_service(GreeterServer::new(GreeterService::new(directory.clone())))
        .descriptors(FILE_DESCRIPTOR_SET)
        .unwrap()
}

async fn start() -> Server {
    Server::start(hosted(&Directory::in_memory().unwrap())).await
}

fn user(name: &str, lookup_ms: u32) -> UserRequest {
    UserRequest { name: name.to_owned(), lookup_ms, fail: None }
}

fn through_frontend(user: UserRequest, child_timeout_ms: Option<u32>) -> GetUserRequest {
    GetUserRequest { user: Some(user), child_timeout_ms, fail: None }
}

async fn call(
    wire: Wire,
    server: &Server,
    path: &str,
    message: &impl Message,
    timeout: Option<&str>,
) -> Answer {
    let headers: Vec<_> = timeout.map(|timeout| ("grpc-timeout", timeout)).into_iter().collect();
    wire.call_with_headers(server.address, path, message, &headers).await
}

#[tokio::test]
async fn a_user_is_found_directly_and_through_the_frontend() {
    let server = start().await;
    for wire in Wire::ALL {
        let answer = call(wire, &server, USER, &user("ada", 0), None).await;
        let (found, ending) = answer.finish::<UserResponse>().await;
        assert_eq!((found[0].display_name.as_str(), ending.code), ("Ada Lovelace", 0), "{wire:?}");
        assert_eq!(found[0].granted_ms, None);

        let request = through_frontend(user("ada", 0), None);
        let answer = call(wire, &server, FRONTEND, &request, Some("1H")).await;
        let (found, ending) = answer.finish::<GetUserResponse>().await;
        assert_eq!(ending.code, 0, "{wire:?}");
        let (granted, user) = (found[0].granted_ms.unwrap(), found[0].user.clone().unwrap());
        assert_eq!(user.display_name, "Ada Lovelace");
        assert!((granted - 3_600_000.0).abs() < f64::EPSILON, "{granted}");
        assert!(user.granted_ms.unwrap() < granted, "the child has a shorter timeout: {user:?} of {granted}");
    }
}

#[tokio::test]
async fn an_unknown_user_is_not_found_directly_and_through_the_frontend() {
    let server = start().await;
    for wire in Wire::ALL {
        let direct = call(wire, &server, USER, &user("nobody", 0), None).await.ending().await;
        let request = through_frontend(user("nobody", 0), None);
        let relayed = call(wire, &server, FRONTEND, &request, None).await.ending().await;
        assert_eq!((direct.code, direct.words.as_str()), (5, "no user is called \"nobody\""), "{wire:?}");
        assert_eq!(direct, relayed, "{wire:?}");
    }
}

#[tokio::test]
async fn a_lookup_of_more_than_a_minute_is_an_invalid_argument() {
    let server = start().await;
    let ending = call(Wire::WEB_H1, &server, USER, &user("ada", 60_001), None).await.ending().await;
    assert_eq!(ending.code, 3);
    assert!(ending.words.contains("60001") && ending.words.contains("60000"), "{}", ending.words);
}

#[tokio::test]
async fn a_shorter_timeout_of_the_child_ends_only_the_child() {
    let server = start().await;
    let request = through_frontend(user("ada", 60_000), Some(50));
    for wire in Wire::ALL {
        let ending = call(wire, &server, FRONTEND, &request, Some("1H")).await.ending().await;
        assert_eq!(ending.code, 4, "{wire:?}");
        assert!(ending.words.contains("50ms"), "{}", ending.words);
    }
    lookups_are_quick(&server).await;
}

#[tokio::test]
async fn a_deadline_interrupts_the_query_two_hops_away() {
    let server = start().await;
    let request = through_frontend(user("ada", 60_000), None);
    for wire in Wire::ALL {
        let ending = call(wire, &server, FRONTEND, &request, Some("50m")).await.ending().await;
        assert_eq!(ending.code, 4, "{wire:?}");
    }
    lookups_are_quick(&server).await;
}

#[tokio::test]
async fn a_disconnect_interrupts_the_query_two_hops_away() {
    let server = start().await;
    let request = through_frontend(user("ada", 60_000), None);
    for wire in Wire::ALL {
        let calls = server.calls.clone();
        let (address, request) = (server.address, request.clone());
        let call = tokio::spawn(async move { wire.call(address, FRONTEND, &request).await });
        soon("both hops", async {
            while calls.open() < 2 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        })
        .await;
        call.abort();
        soon("both hops to end", async {
            while calls.open() > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        })
        .await;
    }
    lookups_are_quick(&server).await;
}

/// Checks that no long lookup is left: it would occupy a connection of the directory for a minute.
async fn lookups_are_quick(server: &Server) {
    for _ in 0..8 {
        let answer = call(Wire::WEB_H1, server, USER, &user("ada", 0), None).await;
        assert_eq!(answer.finish::<UserResponse>().await.1.code, 0);
    }
}

#[tokio::test]
async fn a_deadline_ends_a_slow_greeting_and_interrupts_its_query() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.db");
    let server = Server::start(hosted(&Directory::open(&path).unwrap())).await;
    // So slow that a query which is not interrupted fails the check below.
    let edit = Connection::open(&path).unwrap();
    edit.execute("UPDATE user SET lookup_ms = 60000 WHERE name = 'slow'", []).unwrap();
    let slow = HelloRequest { name: "slow".to_owned() };
    for wire in Wire::ALL {
        let answer = call(wire, &server, "/greet.Greeter/SayHello", &slow, Some("1S")).await;
        let ending = answer.ending().await;
        assert_eq!(ending.code, 4, "{wire:?}");
        assert!(ending.words.contains("1s"), "{}", ending.words);
    }
    lookups_are_quick(&server).await;
}

#[tokio::test]
async fn errors_of_the_database_are_not_sent_to_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.db");
    let server = Server::start(hosted(&Directory::open(&path).unwrap())).await;
    let other = Connection::open(&path).unwrap();
    let request = through_frontend(user("ada", 0), None);

    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    for (path, ending) in [
        (USER, call(Wire::WEB_H1, &server, USER, &user("ada", 0), None).await.ending().await),
        (FRONTEND, call(Wire::WEB_H1, &server, FRONTEND, &request, None).await.ending().await),
    ] {
        assert_eq!(
            (ending.code, ending.words.as_str()),
            (14, "the user directory is busy; try again"),
            "{path}"
        );
    }
    other.execute_batch("COMMIT; DROP TABLE user").unwrap();
    for (path, ending) in [
        (USER, call(Wire::WEB_H1, &server, USER, &user("ada", 0), None).await.ending().await),
        (FRONTEND, call(Wire::WEB_H1, &server, FRONTEND, &request, None).await.ending().await),
    ] {
        assert_eq!((ending.code, ending.words.as_str()), (13, "the user directory cannot be read"), "{path}");
    }
}

#[tokio::test]
async fn a_user_service_that_is_down_is_unavailable() {
    // A port without a listener: it was bound for a moment.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let users = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap().connect_lazy();
    let server =
        Server::start(Bridge::new().add_service(FrontendServiceServer::new(FrontendService::new(users))))
            .await;
    let request = through_frontend(user("ada", 0), None);
    for wire in Wire::ALL {
        let ending = call(wire, &server, FRONTEND, &request, None).await.ending().await;
        assert_eq!(ending.code, 14, "{wire:?}: {}", ending.words);
    }
}
