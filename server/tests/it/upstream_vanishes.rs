//! Connections that the upstream's end has lost: a call on one ends with a code and a message, and the next call takes another
//! connection.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use drawbridge::{Bridge, PoolOptions};
use drawbridge_proto::message::Response as Progress;
use tokio::net::TcpListener;

use crate::support::Server;
use crate::support::client::{Answer, Ending, Wire, frame};
use crate::support::frames::Raw;
use crate::support::probe::told;
use crate::support::upstream::upstream_at;

/// The keepalive time of the pool: until a ping, and until its answer is overdue.
const KEEPALIVE: Duration = Duration::from_millis(300);

const PATH: &str = "/any.Service/Method";

/// A bridge and an upstream that the test drives byte by byte.
struct Setup {
    listener: TcpListener,
    server: Server,
}

impl Setup {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let options = PoolOptions::new().with_keepalive(KEEPALIVE);
        let server = Server::start(Bridge::new().upstream(upstream_at(address).pool(options))).await;
        Self { listener, server }
    }

    /// Opens a call that has received one message. Returns it with the upstream's end of the connection.
    async fn open_call(&self, wire: Wire) -> (Answer, Raw) {
        let key = told("k");
        let (mut answer, raw) = tokio::join!(wire.call(self.server.address, PATH, &key), async {
            let mut raw = Raw::accept(&self.listener).await;
            let stream = raw.headers().await;
            raw.begin(stream, &frame(&Progress { message: "one".to_owned() })).await;
            raw
        });
        assert_eq!(answer.message::<Progress>().await.unwrap().message, "one", "{wire:?}");
        (answer, raw)
    }

    /// Asserts that the call ends with a message that contains `why`, and that the next one takes another connection.
    async fn assert_lost(&self, answer: Answer, why: &str, case: impl Debug) {
        let ending = answer.ending().await;
        assert_eq!(ending.code, 14, "{case:?}: {}", ending.words);
        assert!(ending.words.contains(why), "{case:?}: {}", ending.words);
        self.assert_reconnects().await;
    }

    async fn assert_reconnects(&self) {
        let key = told("k");
        let (ending, ()) = tokio::join!(
            async { Wire::WEB_H1.call(self.server.address, PATH, &key).await.ending().await },
            async {
                let mut raw = Raw::accept(&self.listener).await;
                let stream = raw.headers().await;
                raw.trailers_only(stream).await;
            }
        );
        assert_eq!(ending, Ending { code: 0, words: String::new() });
    }
}

#[tokio::test]
async fn an_upstream_without_its_end_of_the_connection_does_not_answer_a_ping() {
    for wire in Wire::ALL {
        let setup = Setup::start().await;
        // Held, and neither read nor written: no packet closes the connection.
        let (answer, _gone) = setup.open_call(wire).await;
        setup.assert_lost(answer, "did not answer a ping within 300ms", wire).await;
    }
}

#[tokio::test]
async fn a_half_closed_connection_ends_its_calls() {
    for wire in Wire::ALL {
        let setup = Setup::start().await;
        let (answer, mut raw) = setup.open_call(wire).await;
        raw.close_half().await;
        setup.assert_lost(answer, "lost", wire).await;
    }
}

#[tokio::test]
async fn a_tcp_reset_ends_the_calls_of_the_connection() {
    for wire in Wire::ALL {
        let setup = Setup::start().await;
        let (answer, raw) = setup.open_call(wire).await;
        raw.break_off();
        setup.assert_lost(answer, "lost", wire).await;
    }
}

#[tokio::test]
async fn an_upstream_that_violates_http2_is_unavailable() {
    // A frame over the size limit, a push although it is disabled, and bytes that are not a frame.
    for garbage in [&[255; 64][..], &[0, 0, 4, 5, 4, 0, 0, 0, 1, 0, 0, 0, 2], b"HTTP/1.1 200 OK\r\n\r\n"] {
        let setup = Setup::start().await;
        let (answer, mut raw) = setup.open_call(Wire::WEB_H1).await;
        raw.say(garbage).await;
        setup.assert_lost(answer, "HTTP/2", garbage).await;
    }
}

#[tokio::test]
async fn an_idle_upstream_is_pinged_once_because_grpc_servers_allow_no_more() {
    let setup = Setup::start().await;
    let (_answer, mut raw) = setup.open_call(Wire::WEB_H1).await;
    assert_eq!(raw.pings_within(8 * KEEPALIVE).await, 1);
}
