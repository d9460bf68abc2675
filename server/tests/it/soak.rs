//! Memory and open calls of the program after many streams.

// Memory is read from /proc.
#![cfg(target_os = "linux")]

use std::net::SocketAddr;
use std::time::Duration;

use drawbridge::ConnectionOptions;
use drawbridge_proto::message::Request as KeyRequest;
use tokio::task::JoinSet;

use crate::support::Server;
use crate::support::client::{Answer, Connection, Wire, frame};
use crate::support::probe::{Events, Probe, told};
use crate::support::program::Program;

/// How many streams are opened and cancelled, unless `DRAWBRIDGE_SOAK` says otherwise, as `cargo xtask soak` does.
const STREAMS: u64 = 4_000;

/// The number of connections, and how many streams each has open at a time.
const CONNECTIONS: u64 = 4;
const WAVE: u64 = 50;

/// Opens streams, waits for the head of each response, and cancels them in waves.
async fn open_and_cancel(address: SocketAddr, streams: u64) {
    let body = frame(&KeyRequest { key: "soak".to_owned() });
    let mut connection = Wire::GRPC.connect(address).await;
    for _ in 0..streams / WAVE {
        let mut open = Vec::new();
        for _ in 0..WAVE {
            open.push(Wire::GRPC.call_with(&mut connection, "/Message/Stream", body.clone(), &[]).await);
        }
    }
}

/// Opens and cancels streams on several connections, and waits until the program's log has the end of each.
async fn storm(program: &mut Program, streams: u64) {
    let address = program.socket();
    for _ in 0..CONNECTIONS {
        tokio::spawn(open_and_cancel(address, streams / CONNECTIONS));
    }
    let (mut opened, mut ended) = (0, 0);
    while ended < streams {
        let line = program.line().await;
        opened += u64::from(line["message"] == "call opened");
        if line["message"] == "call ended" {
            assert_eq!(line["end"], "client gone");
            ended += 1;
        }
    }
    assert_eq!(opened, ended);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_grow_with_the_number_of_cancelled_streams() {
    let streams = std::env::var("DRAWBRIDGE_SOAK").map_or(STREAMS, |count| count.parse().unwrap());
    // As many resets in a second would be refused otherwise.
    let mut program = Program::start(&["--max-streams", "100000"]).await;
    // A warm-up, after which the allocator and the runtime hold what they keep.
    storm(&mut program, STREAMS / 4).await;
    let before = program.resident_bytes();
    storm(&mut program, streams).await;
    let after = program.resident_bytes();
    println!("{streams} streams opened and cancelled; resident memory: {before} bytes before, {after} after");
    assert!(after < before + before / 4, "resident memory grew from {before} to {after} bytes");
}

/// How many idle streams are open at a time, unless `DRAWBRIDGE_SOAK_IDLE` says otherwise, as `cargo xtask soak` does.
const IDLE: u64 = 1_000;

/// How many of them share a connection on either side of the bridge, which limits the number of open files.
const PER_CONNECTION: u32 = 100;

/// After how many waves of further streams memory must have been returned.
const MAX_WAVES: usize = 1_000;

/// Opens idle streams, and waits until the upstream has received all of them.
async fn open_idle(
    address: SocketAddr,
    upstream: &mut Events,
    streams: u64,
) -> Vec<(Connection, Vec<Answer>)> {
    let body = frame(&told("silent"));
    let mut opening = JoinSet::new();
    for _ in 0..streams / u64::from(PER_CONNECTION) {
        let body = body.clone();
        opening.spawn(async move {
            let mut connection = Wire::GRPC.connect(address).await;
            let mut open = Vec::new();
            for _ in 0..PER_CONNECTION {
                open.push(Wire::GRPC.call_with(&mut connection, "/Message/Stream", body.clone(), &[]).await);
            }
            (connection, open)
        });
    }
    for _ in 0..streams {
        upstream.started().await;
    }
    opening.join_all().await
}

/// Cancels streams, and waits until the upstream has dropped the handler of each.
async fn cancel(open: Vec<(Connection, Vec<Answer>)>, upstream: &mut Events, streams: u64) {
    drop(open);
    for _ in 0..streams {
        upstream.released().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_of_idle_streams_is_returned_and_reused() {
    let streams = std::env::var("DRAWBRIDGE_SOAK_IDLE").map_or(IDLE, |count| count.parse().unwrap());
    let (bridge, mut events) = Probe::hosted();
    let options = ConnectionOptions::new().with_max_streams(PER_CONNECTION);
    let upstream = Server::start_with(bridge, options).await;
    let url = format!("http://{}", upstream.address);
    let program = Program::start(&["--log", "warn", "--upstream", &url]).await;
    let few = u64::from(PER_CONNECTION);
    // A warm-up: what the first calls allocate for good, such as connections, is not measured.
    cancel(open_idle(program.socket(), &mut events, few).await, &mut events, few).await;
    let mut peaks = Vec::new();
    for round in 1..=2 {
        let before = program.resident_bytes();
        let open = open_idle(program.socket(), &mut events, streams).await;
        assert_eq!(upstream.calls.open() as u64, streams, "open at the upstream");
        let full = program.resident_bytes();
        cancel(open, &mut events, streams).await;
        assert_eq!(upstream.calls.open(), 0, "open at the upstream");
        // Some memory stays in use: pages that are not empty, the recently ended calls, and connections to the upstream for a
        // minute. At least half of what the streams took must be returned, except for the megabyte that the allocator keeps.
        let limit = before + full.saturating_sub(before) / 2 + 1024 * 1024;
        let mut after = program.resident_bytes();
        // The allocator returns memory in steps, when it is called. More calls make it do so.
        for _ in 0..MAX_WAVES {
            if after <= limit {
                break;
            }
            let open = open_idle(program.socket(), &mut events, few).await;
            cancel(open, &mut events, few).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            after = program.resident_bytes();
        }
        println!(
            "{streams} idle streams, round {round}; resident memory: {before} bytes before, {full} with them, {after} after"
        );
        assert!(after <= limit, "{after} bytes are resident, more than {limit}");
        peaks.push(full);
    }
    // The measurement varies by a tenth, and by a few megabytes if there are few streams.
    let bound = peaks[0] + peaks[0] / 10 + 4 * 1024 * 1024;
    assert!(peaks[1] <= bound, "more than {bound} bytes the second time: {peaks:?}");
}
