//! Many streams that are left at once do no harm to those that stay, on the same connection.

use drawbridge::{CallContext, EndReason};

use crate::support::client::frame;
use crate::support::frames::{Burst, END_STREAM, Frames, kind};
use crate::support::probe::{Events, Probe, told};
use crate::support::{Server, soon};

const PATH: &str = "/Message/Stream";

/// The streams that stay, by their numbers.
const HONEST: [u32; 3] = [1, 3, 5];

/// Opens the streams that stay.
async fn honest(server: &Server, events: &mut Events) -> (Frames, Vec<CallContext>) {
    let mut frames = Frames::connect(server.address).await;
    let mut calls = Vec::new();
    for stream in HONEST {
        frames.send(Burst::default().call(stream, PATH, &frame(&told("silent")))).await;
        calls.push(events.started().await);
    }
    (frames, calls)
}

/// Holds that the streams that stay are alive: each still delivers its end to the client.
async fn all_alive(mut frames: Frames, calls: Vec<CallContext>) {
    for (stream, call) in HONEST.into_iter().zip(calls) {
        assert_eq!(call.end_reason(), None);
        call.cancel("the test is over");
        loop {
            let frame = frames.next().await;
            assert_ne!(frame.kind, kind::GOAWAY, "{frame:?}");
            if frame.stream == stream && frame.flags & END_STREAM != 0 {
                assert_eq!(frame.kind, kind::HEADERS, "trailers, and no reset");
                break;
            }
        }
    }
}

#[tokio::test]
async fn five_thousand_streams_that_are_left_in_waves_of_a_hundred() {
    let (server, mut events) = Probe::start().await;
    let (mut frames, calls) = honest(&server, &mut events).await;
    let body = frame(&told("silent"));
    for wave in 0..50 {
        let streams: Vec<u32> = (0..100).map(|index| 7 + 2 * (wave * 100 + index)).collect();
        let mut open = Burst::default();
        let mut leave = Burst::default();
        for &stream in &streams {
            open.call(stream, PATH, &body);
            leave.reset(stream);
        }
        frames.send(&open).await;
        let mut opened = Vec::new();
        for _ in &streams {
            opened.push(events.started().await);
        }
        frames.send(&leave).await;
        for _ in &streams {
            events.released().await;
        }
        for call in opened {
            assert_eq!(call.end_reason(), Some(&EndReason::ClientGone));
        }
    }
    assert_eq!(server.calls.open(), HONEST.len());
    all_alive(frames, calls).await;
}

#[tokio::test]
async fn a_hundred_streams_that_are_opened_and_left_in_one_write() {
    let (server, mut events) = Probe::start().await;
    let (mut frames, calls) = honest(&server, &mut events).await;
    let body = frame(&told("silent"));
    let mut burst = Burst::default();
    for index in 0..100 {
        burst.call(7 + 2 * index, PATH, &body).reset(7 + 2 * index);
    }
    frames.send(burst.ping()).await;
    // Its answer says that the server has read them all.
    while frames.next().await.kind != kind::PING {}
    soon("the list to have only those that stay", async {
        while server.calls.open() > HONEST.len() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    all_alive(frames, calls).await;
}
