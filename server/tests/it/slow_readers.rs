//! Callers that do not read: the memory that they cost the bridge, and their effect on other calls.

use std::time::Duration;

use bytes::Bytes;
use drawbridge_proto::message::Response as Progress;
use h2::SendStream;
use tokio::task::JoinSet;

use crate::support::Server;
use crate::support::client::{Answer, Connection, Wire, frame};
use crate::support::probe::told;
use crate::support::upstream::{RawUpstream, map};

const PATH: &str = "/any.Service/Method";

/// How long the upstream waits for capacity before the test takes the stream for blocked.
const BLOCKED_AFTER: Duration = Duration::from_millis(500);

/// An upstream that could send this much on one stream is not limited by flow control.
const UNLIMITED: usize = 16 * 1024 * 1024;

/// Opens a call whose caller has read the head of the response only.
async fn open(
    upstream: &mut RawUpstream,
    address: std::net::SocketAddr,
    wire: Wire,
) -> (Connection, Answer, SendStream<Bytes>) {
    let mut connection = wire.connect(address).await;
    let call = wire.call_with(&mut connection, PATH, frame(&told("k")), &[]);
    let (answer, stream) = tokio::join!(call, async { upstream.call().await.begin(&[]) });
    (connection, answer, stream)
}

/// Sends as much as flow control allows, and returns the number of bytes.
async fn fill(stream: &mut SendStream<Bytes>) -> usize {
    let mut sent = 0;
    while sent < UNLIMITED {
        stream.reserve_capacity(64 * 1024);
        let room = std::future::poll_fn(|cx| stream.poll_capacity(cx));
        let Ok(room) = tokio::time::timeout(BLOCKED_AFTER, room).await else { break };
        let room = room.unwrap().unwrap();
        stream.send_data(vec![0; room].into(), false).unwrap();
        sent += room;
    }
    sent
}

/// Memory is read from /proc.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_caller_that_does_not_read_costs_a_bounded_buffer() {
    use crate::support::program::{Program, command};

    const CALLERS: u64 = 32;
    // The window of the upstream's stream, and three times as much for everything else.
    const MAX_BYTES: u64 = 256 * 1024;
    for wire in [Wire::GRPC, Wire::WEB_H1] {
        let mut upstream = RawUpstream::start().await;
        let mut no_purge = command();
        // No memory is returned to the system, so resident memory grows by what is newly in use.
        no_purge.env("MIMALLOC_PURGE_DELAY", "-1");
        let url = format!("http://{}", upstream.address);
        let program = Program::start_by(no_purge, &["--upstream", &url]).await;
        let before = program.resident_bytes();
        let (mut callers, mut filling) = (Vec::new(), JoinSet::new());
        for _ in 0..CALLERS {
            let (connection, answer, mut stream) = open(&mut upstream, program.socket(), wire).await;
            callers.push((connection, answer));
            filling.spawn(async move { (fill(&mut stream).await, stream) });
        }
        let filled = filling.join_all().await;
        assert!(
            filled.iter().all(|(sent, _)| *sent < UNLIMITED),
            "{wire:?}: the response is buffered without limit"
        );
        let each = (program.resident_bytes() - before) / CALLERS;
        println!("{wire:?}: {each} bytes for each caller that does not read");
        assert!(each < MAX_BYTES, "{wire:?}: {each} bytes for each");
    }
}

#[tokio::test]
async fn the_upstream_window_flag_sets_the_window_of_a_stream() {
    use crate::support::program::Program;

    for (flags, window) in [(vec![], 65_536), (vec!["--upstream-window", "131072"], 131_072)] {
        let mut upstream = RawUpstream::start().await;
        let url = format!("http://{}", upstream.address);
        let program = Program::start(&[vec!["--upstream", &url], flags].concat()).await;
        let (_connection, _answer, mut stream) = open(&mut upstream, program.socket(), Wire::GRPC).await;
        stream.reserve_capacity(UNLIMITED);
        let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
        assert_eq!(room.unwrap().unwrap(), window);
    }
}

#[tokio::test]
async fn callers_that_do_not_read_delay_only_their_own_streams() {
    for wire in [Wire::GRPC, Wire::WEB_H1] {
        let mut upstream = RawUpstream::start().await;
        let server = Server::start(upstream.bridge()).await;
        let mut slow = Vec::new();
        for _ in 0..8 {
            let (connection, answer, mut stream) = open(&mut upstream, server.address, wire).await;
            slow.push((connection, answer, tokio::spawn(async move { (fill(&mut stream).await, stream) })));
        }
        let mut held = Vec::new();
        for (connection, answer, filling) in slow {
            held.push((connection, answer, filling.await.unwrap()));
        }
        // More than the windows would hold if the streams shared them.
        let message = "x".repeat(1024 * 1024);
        let (_connection, answer, mut stream) = open(&mut upstream, server.address, wire).await;
        let sent = frame(&Progress { message: message.clone() });
        stream.send_data(sent, false).unwrap();
        stream.send_trailers(map(&[("grpc-status", "0")])).unwrap();
        let (messages, ending) = answer.finish::<Progress>().await;
        assert_eq!((messages.len(), ending.code), (1, 0), "{wire:?}");
        assert!(messages[0].message == message, "{wire:?}");
        assert_eq!(upstream.connections(), 1, "all calls share one connection");
    }
}
