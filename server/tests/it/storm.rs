//! Mass cancellation on one connection does not affect its other streams.

use drawbridge::{CallContext, EndReason};

use crate::support::client::frame;
use crate::support::frames::{Burst, END_STREAM, Frames, kind};
use crate::support::probe::{Events, Probe, told};
use crate::support::{Server, soon};

const PATH: &str = "/Message/Stream";

/// The ids of the streams that stay open.
const STAYING: [u32; 3] = [1, 3, 5];

/// Opens the streams that stay open.
async fn open_staying(server: &Server, events: &mut Events) -> (Frames, Vec<CallContext>) {
    let mut frames = Frames::connect(server.address).await;
    let mut calls = Vec::new();
    for stream in STAYING {
        frames.send(Burst::default().call(stream, PATH, &frame(&told("silent")))).await;
        calls.push(events.started().await);
    }
    (frames, calls)
}

/// Asserts that these streams are open: each still delivers its end to the client.
async fn assert_open(mut frames: Frames, calls: Vec<CallContext>) {
    for (stream, call) in STAYING.into_iter().zip(calls) {
        assert_eq!(call.end_reason(), None);
        call.cancel("the test is over");
        loop {
            let frame = frames.next().await;
            assert_ne!(frame.kind, kind::GOAWAY, "{frame:?}");
            if frame.stream == stream && frame.flags & END_STREAM != 0 {
                assert_eq!(frame.kind, kind::HEADERS, "trailers and not a reset");
                break;
            }
        }
    }
}

#[tokio::test]
async fn five_hundred_resets_in_waves_of_a_hundred_leave_other_streams_open() {
    let (server, mut events) = Probe::start().await;
    let (mut frames, calls) = open_staying(&server, &mut events).await;
    let body = frame(&told("silent"));
    for wave in 0..5 {
        let streams: Vec<u32> = (0..100).map(|index| 7 + 2 * (wave * 100 + index)).collect();
        let mut open = Burst::default();
        let mut resets = Burst::default();
        for &stream in &streams {
            open.call(stream, PATH, &body);
            resets.reset(stream);
        }
        frames.send(&open).await;
        let mut opened = Vec::new();
        for _ in &streams {
            opened.push(events.started().await);
        }
        frames.send(&resets).await;
        for _ in &streams {
            events.released().await;
        }
        for call in opened {
            assert_eq!(call.end_reason(), Some(&EndReason::ClientGone));
        }
    }
    assert_eq!(server.calls.open(), STAYING.len());
    assert_open(frames, calls).await;
}

#[tokio::test]
async fn a_hundred_streams_opened_and_reset_in_one_write_leave_other_streams_open() {
    let (server, mut events) = Probe::start().await;
    let (mut frames, calls) = open_staying(&server, &mut events).await;
    let body = frame(&told("silent"));
    let mut burst = Burst::default();
    for index in 0..100 {
        burst.call(7 + 2 * index, PATH, &body).reset(7 + 2 * index);
    }
    frames.send(burst.ping()).await;
    // The answer to the ping says that the server has read all frames.
    while frames.next().await.kind != kind::PING {}
    soon("the reset calls to end", async {
        while server.calls.open() > STAYING.len() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_open(frames, calls).await;
}

/// Opens and resets this many streams in each of these waves. Returns the error code of the GOAWAY that the server sends, if it sends one.
async fn reset_in_waves(server: &Server, waves: u32, streams: u32) -> Option<u8> {
    // The clock stands still: it is not advanced while a task runs.
    tokio::time::pause();
    let busy = tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    let mut frames = Frames::connect(server.address).await;
    let mut goaway = None;
    'waves: for wave in 0..waves {
        let (mut open, mut resets) = (Burst::default(), Burst::default());
        for index in 0..streams {
            let stream = 1 + 2 * (wave * streams + index);
            open.call(stream, PATH, &frame(&told("silent")));
            resets.reset(stream);
        }
        for burst in [open.ping(), resets.ping()] {
            // It fails if the server has closed the connection.
            let _ = frames.try_send(burst).await;
            loop {
                match frames.try_next().await {
                    Some(frame) if frame.kind == kind::GOAWAY => {
                        goaway = Some(frame.payload[7]);
                        break 'waves;
                    }
                    Some(frame) if frame.kind == kind::PING => break,
                    Some(_) => {}
                    None => break 'waves,
                }
            }
        }
    }
    busy.abort();
    tokio::time::resume();
    goaway
}

#[tokio::test]
async fn a_client_that_resets_hundreds_of_streams_within_a_second_is_told_to_calm_down() {
    const ENHANCE_YOUR_CALM: u8 = 0xb;
    let (server, _events) = Probe::start().await;
    assert_eq!(reset_in_waves(&server, 20, 100).await, Some(ENHANCE_YOUR_CALM));
    soon("the end of all calls", async {
        while server.calls.open() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_that_leaves_two_hundred_streams_at_once_is_not_told_anything() {
    let (server, _events) = Probe::start().await;
    assert_eq!(reset_in_waves(&server, 2, 200).await, None);
}
