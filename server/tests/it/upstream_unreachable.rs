//! Upstreams that cannot be reached or stop responding: the caller receives a code and a message in time.

use std::net::SocketAddr;
use std::time::Duration;

use drawbridge::{Bridge, PoolOptions};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::support::client::{Ending, Wire};
use crate::support::probe::told;
use crate::support::program::Program;
use crate::support::upstream::{RawUpstream, bridge_to, map, upstream_at};
use crate::support::{Server, console};

const PATH: &str = "/any.Service/Method";

async fn ending_of(bridge: Bridge, wire: Wire) -> Ending {
    let server = Server::start(bridge).await;
    wire.call(server.address, PATH, &told("k")).await.ending().await
}

/// Returns an address without a listener.
async fn unused_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Starts a server that sends these bytes to each connection, and then nothing.
async fn server_sending(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut connections = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(bytes).await.unwrap();
            connections.push(stream);
        }
    });
    address
}

fn short_timeouts() -> PoolOptions {
    PoolOptions::new()
        .with_connect_timeout(Duration::from_millis(200))
        .with_keepalive(Duration::from_millis(200))
}

#[tokio::test]
async fn a_refused_connection_is_unavailable_in_each_form_of_grpc() {
    let address = unused_address().await;
    for wire in Wire::ALL {
        let ending = ending_of(bridge_to(address), wire).await;
        assert_eq!(ending.code, 14, "{wire:?}");
        assert_eq!(ending.words, "any.Service: cannot connect to the upstream", "{wire:?}");
    }
}

#[tokio::test]
async fn only_the_operator_learns_the_address_and_the_error_of_a_failed_upstream() {
    let address = unused_address().await;
    let (server, mut console) = console::start(bridge_to(address)).await;
    let headers = [("x-request-id", "order-17")];
    let answer = Wire::WEB_H1.call_with_headers(server.address, PATH, &told("k"), &headers).await;
    let ending = answer.ending().await;
    for hidden in [&address.to_string()[..], "127.0.0.1", &address.port().to_string(), "refused"] {
        assert!(!ending.words.contains(hidden), "{hidden} in {}", ending.words);
    }
    let call = console::get(&mut console, "order-17").await.remove(0);
    let message = call.end.unwrap().message;
    assert!(message.contains(&address.to_string()) && message.contains("refused"), "{message}");
}

#[tokio::test]
async fn the_log_has_the_address_and_the_error_of_a_failed_upstream() {
    let address = unused_address().await;
    let mut program = Program::start(&["--upstream", &format!("http://{address}")]).await;
    let ending = Wire::GRPC.call(program.socket(), PATH, &told("k")).await.ending().await;
    assert_eq!(ending.code, 14);
    let line = program.logged("call ended").await;
    assert!(!line["end_message"].as_str().unwrap().contains("127.0.0.1"), "{line}");
    let cause = line["cause"].as_str().unwrap();
    assert!(cause.contains(&address.to_string()) && cause.contains("refused"), "{cause}");
}

#[tokio::test]
async fn an_upstream_that_does_not_speak_http2_is_unavailable() {
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"[..],
        b"220 mail.example ESMTP\r\n",
        &[0; 64],
    ] {
        let ending = ending_of(bridge_to(server_sending(bytes).await), Wire::WEB_H1).await;
        assert_eq!(ending.code, 14, "{bytes:?}");
        assert!(ending.words.contains("does it speak gRPC there?"), "{}", ending.words);
    }
}

#[tokio::test]
async fn an_upstream_that_sends_no_settings_is_unavailable_after_the_connect_timeout() {
    let upstream = upstream_at(server_sending(b"").await).pool(short_timeouts());
    let ending = ending_of(Bridge::new().upstream(upstream), Wire::WEB_H1).await;
    assert_eq!(ending.code, 14);
    assert!(ending.words.contains("did not answer within 200ms"), "{}", ending.words);
}

#[tokio::test]
async fn the_deadline_ends_the_wait_for_a_connection() {
    let server = Server::start(bridge_to(server_sending(b"").await)).await;
    for wire in Wire::ALL {
        let timeout = [("grpc-timeout", "50m")];
        let answer = wire.call_with_headers(server.address, PATH, &told("k"), &timeout).await;
        assert_eq!(answer.ending().await.code, 4, "{wire:?}");
    }
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_a_ping_is_unavailable() {
    // It sends its SETTINGS and then nothing, as a stopped process or a machine without power would.
    let settings = server_sending(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
    let server = Server::start(Bridge::new().upstream(upstream_at(settings).pool(short_timeouts()))).await;
    let ending = Wire::WEB_H1.call(server.address, PATH, &told("k")).await.ending().await;
    assert_eq!(ending.code, 14);
    assert!(ending.words.contains("did not answer a ping"), "{}", ending.words);
}

#[tokio::test]
async fn an_idle_upstream_that_answers_pings_stays_connected() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge_with(short_timeouts())).await;
    let key = told("k");
    let (answer, mut stream) = tokio::join!(Wire::WEB_H1.call(server.address, PATH, &key), async {
        upstream.call().await.begin(&[])
    });
    tokio::time::sleep(5 * short_timeouts().keepalive).await;
    stream.send_trailers(map(&[("grpc-status", "0")])).unwrap();
    assert_eq!(answer.ending().await.code, 0);
}

#[tokio::test]
async fn a_restarted_upstream_gets_the_next_call() {
    let address = unused_address().await;
    let server = Server::start(bridge_to(address)).await;
    for _ in 0..3 {
        assert_eq!(Wire::GRPC.call(server.address, PATH, &told("k")).await.ending().await.code, 14);
    }
    let upstream = RawUpstream::start_at(address).await;
    let _answering =
        upstream.answering(|mut call| async move { call.trailers_only(&[("grpc-status", "0")]) });
    assert_eq!(Wire::GRPC.call(server.address, PATH, &told("k")).await.ending().await.code, 0);
}
