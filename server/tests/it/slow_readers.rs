//! Callers that do not read: what they cost the bridge, and that they are alone in waiting.

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

/// For how long the upstream may send nothing before it is taken to be held up.
const HELD_UP: Duration = Duration::from_millis(500);

/// No test lets an upstream send more than this on one stream.
const TOO_MUCH: usize = 16 * 1024 * 1024;

/// Opens a call whose caller has read the head of its answer, and no more.
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

/// Sends for as long as there is room, and returns how much that was.
async fn fill(stream: &mut SendStream<Bytes>) -> usize {
    let mut sent = 0;
    while sent < TOO_MUCH {
        stream.reserve_capacity(64 * 1024);
        let room = std::future::poll_fn(|cx| stream.poll_capacity(cx));
        let Ok(room) = tokio::time::timeout(HELD_UP, room).await else { break };
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
    // A stream's window from the upstream, and three times as much for all else.
    const MOST: u64 = 256 * 1024;
    for wire in [Wire::GRPC, Wire::WEB_H1] {
        let mut upstream = RawUpstream::start().await;
        let mut keeping = command();
        // Nothing goes back to the system, so that what is resident grows by what is newly in use.
        keeping.env("MIMALLOC_PURGE_DELAY", "-1");
        let url = format!("http://{}", upstream.address);
        let program = Program::start_by(keeping, &["--upstream", &url]).await;
        let before = program.resident_bytes();
        let (mut callers, mut filling) = (Vec::new(), JoinSet::new());
        for _ in 0..CALLERS {
            let (connection, answer, mut stream) = open(&mut upstream, program.socket(), wire).await;
            callers.push((connection, answer));
            filling.spawn(async move { (fill(&mut stream).await, stream) });
        }
        let filled = filling.join_all().await;
        assert!(filled.iter().all(|(sent, _)| *sent < TOO_MUCH), "{wire:?}: what is answered piles up");
        let each = (program.resident_bytes() - before) / CALLERS;
        println!("{wire:?}: {each} bytes for each caller that does not read");
        assert!(each < MOST, "{wire:?}: {each} bytes for each");
    }
}

#[tokio::test]
async fn of_one_answer_as_much_comes_at_a_time_as_the_operator_allows() {
    use crate::support::program::Program;

    for (flags, window) in [(vec![], 65_536), (vec!["--upstream-window", "131072"], 131_072)] {
        let mut upstream = RawUpstream::start().await;
        let url = format!("http://{}", upstream.address);
        let program = Program::start(&[vec!["--upstream", &url], flags].concat()).await;
        let (_connection, _answer, mut stream) = open(&mut upstream, program.socket(), Wire::GRPC).await;
        stream.reserve_capacity(TOO_MUCH);
        let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
        assert_eq!(room.unwrap().unwrap(), window);
    }
}

#[tokio::test]
async fn callers_that_do_not_read_hold_up_nobody_else() {
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
        // More than any window but the streams' own would take.
        let message = "x".repeat(1024 * 1024);
        let (_connection, answer, mut stream) = open(&mut upstream, server.address, wire).await;
        let sent = frame(&Progress { message: message.clone() });
        stream.send_data(sent, false).unwrap();
        stream.send_trailers(map(&[("grpc-status", "0")])).unwrap();
        let (messages, ending) = answer.finish::<Progress>().await;
        assert_eq!((messages.len(), ending.code), (1, 0), "{wire:?}");
        assert!(messages[0].message == message, "{wire:?}");
        assert_eq!(upstream.connections(), 1, "all of them share it");
    }
}
