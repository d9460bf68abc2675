//! Upstreams that nobody reaches, or that fall silent: a caller is told, and is never left waiting.

use std::net::SocketAddr;
use std::time::Duration;

use drawbridge::{Bridge, PoolOptions};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::support::Server;
use crate::support::client::{Ending, Wire};
use crate::support::probe::told;
use crate::support::upstream::{RawUpstream, bridge_to, map, upstream_at};

const PATH: &str = "/any.Service/Method";

async fn ending_of(bridge: Bridge, wire: Wire) -> Ending {
    let server = Server::start(bridge).await;
    wire.call(server.address, PATH, &told("k")).await.ending().await
}

/// An address at which nobody listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// A server that says these bytes to whoever connects, and then nothing.
async fn saying(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut silent = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(bytes).await.unwrap();
            silent.push(stream);
        }
    });
    address
}

fn hasty() -> PoolOptions {
    PoolOptions::new()
        .with_connect_timeout(Duration::from_millis(200))
        .with_keepalive(Duration::from_millis(200))
}

#[tokio::test]
async fn nobody_there_is_unavailable_in_each_form() {
    let address = nobody().await;
    for wire in Wire::ALL {
        let ending = ending_of(bridge_to(address), wire).await;
        assert_eq!(ending.code, 14, "{wire:?}");
        assert!(ending.words.contains(&address.to_string()), "{}", ending.words);
        assert!(ending.words.contains("refused"), "{}", ending.words);
    }
}

#[tokio::test]
async fn whoever_speaks_no_http2_is_unavailable() {
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"[..],
        b"220 mail.example ESMTP\r\n",
        &[0; 64],
    ] {
        let ending = ending_of(bridge_to(saying(bytes).await), Wire::WEB_H1).await;
        assert_eq!(ending.code, 14, "{bytes:?}");
        assert!(ending.words.contains("does it speak gRPC there?"), "{}", ending.words);
    }
}

#[tokio::test]
async fn whoever_accepts_and_says_nothing_is_unavailable_in_time() {
    let upstream = upstream_at(saying(b"").await).pool(hasty());
    let ending = ending_of(Bridge::new().upstream(upstream), Wire::WEB_H1).await;
    assert_eq!(ending.code, 14);
    assert!(ending.words.contains("did not answer within 200ms"), "{}", ending.words);
}

#[tokio::test]
async fn a_deadline_ends_the_wait_for_a_connection() {
    let server = Server::start(bridge_to(saying(b"").await)).await;
    for wire in Wire::ALL {
        let timeout = [("grpc-timeout", "50m")];
        let answer = wire.call_with_headers(server.address, PATH, &told("k"), &timeout).await;
        assert_eq!(answer.ending().await.code, 4, "{wire:?}");
    }
}

#[tokio::test]
async fn an_upstream_that_falls_silent_is_asked_and_given_up() {
    // It says that it speaks HTTP/2, and then no more: a process that is stopped, or a machine that vanished.
    let settings = saying(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
    let server = Server::start(Bridge::new().upstream(upstream_at(settings).pool(hasty()))).await;
    let ending = Wire::WEB_H1.call(server.address, PATH, &told("k")).await.ending().await;
    assert_eq!(ending.code, 14);
    assert!(ending.words.contains("did not answer a ping"), "{}", ending.words);
}

#[tokio::test]
async fn an_upstream_that_is_silent_but_there_is_left_alone() {
    let mut upstream = RawUpstream::start().await;
    let server = Server::start(upstream.bridge_with(hasty())).await;
    let key = told("k");
    let (answer, mut stream) = tokio::join!(Wire::WEB_H1.call(server.address, PATH, &key), async {
        upstream.call().await.begin(&[])
    });
    tokio::time::sleep(5 * hasty().keepalive).await;
    stream.send_trailers(map(&[("grpc-status", "0")])).unwrap();
    assert_eq!(answer.ending().await.code, 0);
}

#[tokio::test]
async fn an_upstream_that_comes_back_is_called_at_once() {
    let address = nobody().await;
    let server = Server::start(bridge_to(address)).await;
    for _ in 0..3 {
        assert_eq!(Wire::GRPC.call(server.address, PATH, &told("k")).await.ending().await.code, 14);
    }
    let upstream = RawUpstream::start_at(address).await;
    let _answering =
        upstream.answering(|mut call| async move { call.trailers_only(&[("grpc-status", "0")]) });
    assert_eq!(Wire::GRPC.call(server.address, PATH, &told("k")).await.ending().await.code, 0);
}
