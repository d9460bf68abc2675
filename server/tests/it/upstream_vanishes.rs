//! Connections of which only one end is left: a call on one ends with a code and a sentence, and the next call has
//! another connection.

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

/// For how long an upstream may be silent before it is asked, and before it is given up.
const KEEPALIVE: Duration = Duration::from_millis(300);

const PATH: &str = "/any.Service/Method";

/// A bridge in front of an upstream of which each byte is the test's own.
struct Between {
    listener: TcpListener,
    server: Server,
}

impl Between {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let options = PoolOptions::new().with_keepalive(KEEPALIVE);
        let server = Server::start(Bridge::new().upstream(upstream_at(address).pool(options))).await;
        Self { listener, server }
    }

    /// Opens a call whose first message has come, and returns it with the connection that it came by.
    async fn in_mid_stream(&self, wire: Wire) -> (Answer, Raw) {
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

    /// Holds that the call is ended with words that say `why`, and that the next one goes over another connection.
    async fn gives_up(&self, answer: Answer, why: &str, case: impl Debug) {
        let ending = answer.ending().await;
        assert_eq!(ending.code, 14, "{case:?}: {}", ending.words);
        assert!(ending.words.contains(why), "{case:?}: {}", ending.words);
        self.is_called_anew().await;
    }

    async fn is_called_anew(&self) {
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
async fn an_upstream_whose_end_of_the_connection_is_gone_is_asked_and_given_up() {
    for wire in Wire::ALL {
        let between = Between::start().await;
        // Held, and neither read nor written: no packet says that nobody is there any more.
        let (answer, _gone) = between.in_mid_stream(wire).await;
        between.gives_up(answer, "did not answer a ping within 300ms", wire).await;
    }
}

#[tokio::test]
async fn an_upstream_that_closes_its_half_of_the_connection_ends_the_calls_on_it() {
    for wire in Wire::ALL {
        let between = Between::start().await;
        let (answer, mut raw) = between.in_mid_stream(wire).await;
        raw.close_half().await;
        between.gives_up(answer, "lost", wire).await;
    }
}

#[tokio::test]
async fn an_upstream_that_knows_nothing_of_the_connection_ends_the_calls_on_it() {
    for wire in Wire::ALL {
        let between = Between::start().await;
        let (answer, raw) = between.in_mid_stream(wire).await;
        raw.break_off();
        between.gives_up(answer, "lost: connection reset", wire).await;
    }
}

#[tokio::test]
async fn an_upstream_that_says_garbage_in_mid_stream_is_unavailable() {
    // A frame longer than any may be, a push that was not asked for, and what is no frame at all.
    for garbage in [&[255; 64][..], &[0, 0, 4, 5, 4, 0, 0, 0, 1, 0, 0, 0, 2], b"HTTP/1.1 200 OK\r\n\r\n"] {
        let between = Between::start().await;
        let (answer, mut raw) = between.in_mid_stream(Wire::WEB_H1).await;
        raw.say(garbage).await;
        between.gives_up(answer, "HTTP/2", garbage).await;
    }
}

#[tokio::test]
async fn an_upstream_that_is_silent_and_there_is_asked_once_as_grpc_servers_bear_no_more() {
    let between = Between::start().await;
    let (_answer, mut raw) = between.in_mid_stream(Wire::WEB_H1).await;
    assert_eq!(raw.pings_within(8 * KEEPALIVE).await, 1);
}
