//! The program after many streams is as it was before them.

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

/// How many streams are opened and left, unless `DRAWBRIDGE_SOAK` says otherwise, as `cargo xtask soak` does.
const STREAMS: u64 = 4_000;

/// How many connections there are, and how many streams each has open at a time.
const CONNECTIONS: u64 = 4;
const WAVE: u64 = 50;

/// Opens streams, each seen to be open, and leaves them in waves.
async fn open_and_leave(address: SocketAddr, streams: u64) {
    let body = frame(&KeyRequest { key: "soak".to_owned() });
    let mut connection = Wire::GRPC.connect(address).await;
    for _ in 0..streams / WAVE {
        let mut open = Vec::new();
        for _ in 0..WAVE {
            open.push(Wire::GRPC.call_with(&mut connection, "/Message/Stream", body.clone(), &[]).await);
        }
    }
}

/// Opens and leaves streams on several connections, and waits until the program's log has the end of each.
async fn storm(program: &mut Program, streams: u64) {
    let address = program.socket();
    for _ in 0..CONNECTIONS {
        tokio::spawn(open_and_leave(address, streams / CONNECTIONS));
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
async fn memory_and_open_calls_are_after_many_streams_what_they_were_before() {
    let streams = std::env::var("DRAWBRIDGE_SOAK").map_or(STREAMS, |count| count.parse().unwrap());
    let mut program = Program::start(&[]).await;
    // What the allocator and the runtime keep for good, they have after a few.
    storm(&mut program, STREAMS / 4).await;
    let before = program.resident_bytes();
    storm(&mut program, streams).await;
    let after = program.resident_bytes();
    println!("{streams} streams opened and left; resident memory: {before} bytes before, {after} after");
    assert!(after < before + before / 4, "resident memory grew from {before} to {after} bytes");
}

/// How many idle streams are open at a time, unless `DRAWBRIDGE_SOAK_IDLE` says otherwise, as `cargo xtask soak` does.
const IDLE: u64 = 1_000;

/// How many of them share a connection, on either side of the bridge, so that there are files enough for all.
const SHARING: u32 = 100;

/// How often some more are opened and left until memory must be back.
const MOST_WAVES: usize = 1_000;

/// Opens idle streams, and waits until the upstream has them all.
async fn open_idle(
    address: SocketAddr,
    upstream: &mut Events,
    streams: u64,
) -> Vec<(Connection, Vec<Answer>)> {
    let body = frame(&told("silent"));
    let mut opening = JoinSet::new();
    for _ in 0..streams / u64::from(SHARING) {
        let body = body.clone();
        opening.spawn(async move {
            let mut connection = Wire::GRPC.connect(address).await;
            let mut open = Vec::new();
            for _ in 0..SHARING {
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

/// Leaves streams, and waits until the upstream has dropped the handler of each.
async fn leave(open: Vec<(Connection, Vec<Answer>)>, upstream: &mut Events, streams: u64) {
    drop(open);
    for _ in 0..streams {
        upstream.released().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_after_many_idle_streams_over_one_bridge_is_back_and_they_cost_no_more_the_second_time() {
    let streams = std::env::var("DRAWBRIDGE_SOAK_IDLE").map_or(IDLE, |count| count.parse().unwrap());
    let (bridge, mut events) = Probe::hosted();
    let options = ConnectionOptions::new().with_max_streams(SHARING);
    let upstream = Server::start_with(bridge, options).await;
    let url = format!("http://{}", upstream.address);
    let program = Program::start(&["--log", "warn", "--upstream", &url]).await;
    let few = u64::from(SHARING);
    // What any first calls take and keep, as connections do, is no part of the question.
    leave(open_idle(program.socket(), &mut events, few).await, &mut events, few).await;
    let mut most = Vec::new();
    for round in 1..=2 {
        let before = program.resident_bytes();
        let open = open_idle(program.socket(), &mut events, streams).await;
        assert_eq!(upstream.calls.open() as u64, streams, "open at the upstream");
        let full = program.resident_bytes();
        leave(open, &mut events, streams).await;
        assert_eq!(upstream.calls.open(), 0, "open at the upstream");
        // The allocator keeps each page on which anything is left, the last ended calls are remembered, and connections to
        // the upstream stay for a minute. At least half of what the streams took is none of that, but for the megabyte that
        // the allocator keeps of any number.
        let back = before + full.saturating_sub(before) / 2 + 1024 * 1024;
        let mut after = program.resident_bytes();
        // The allocator gives back little by little, when it is asked for something: so there have to be calls.
        for _ in 0..MOST_WAVES {
            if after <= back {
                break;
            }
            let open = open_idle(program.socket(), &mut events, few).await;
            leave(open, &mut events, few).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            after = program.resident_bytes();
        }
        println!(
            "{streams} idle streams, round {round}; resident memory: {before} bytes before, {full} with them, {after} after"
        );
        assert!(after <= back, "{after} bytes are resident, more than {back}");
        most.push(full);
    }
    // A tenth is what differs from run to run, and a few megabytes where there are few streams.
    let bound = most[0] + most[0] / 10 + 4 * 1024 * 1024;
    assert!(most[1] <= bound, "more than {bound} bytes the second time: {most:?}");
}
