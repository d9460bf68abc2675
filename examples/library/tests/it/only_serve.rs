//! The server serves any router, over TCP and over a Unix socket.

use drawbridge_example_library::only_serve::{router, serve};

use crate::support::{http, http_on, listen};

#[tokio::test]
async fn a_caller_over_tcp_has_an_address() {
    let (listener, address) = listen().await;
    tokio::spawn(serve(listener, router(), std::future::pending()));
    assert!(http(address, "GET /whoami", &[], b"").await.ends_with("you are 127.0.0.1"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_caller_over_a_unix_socket_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(serve(listener, router(), std::future::pending()));
    let connection = tokio::net::UnixStream::connect(&path).await.unwrap();
    assert!(http_on(connection, "GET /whoami", &[], b"").await.ends_with("you are on this machine"));
}

#[tokio::test]
async fn it_stops_when_it_is_told_to() {
    let (listener, _) = listen().await;
    serve(listener, router(), std::future::ready(())).await;
}
