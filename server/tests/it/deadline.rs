//! A deadline ends the whole call, in each state of its handler and its client.

use std::time::Duration;

use drawbridge::{Bridge, DeadlinePolicy, EndReason};
use drawbridge_proto::message::Response as Progress;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::Server;
use crate::support::client::{Answer, Wire, frame};
use crate::support::probe::{Events, Probe, told};
use crate::support::soon;

async fn call_within(wire: Wire, server: &Server, key: &str, timeout: &str) -> Answer {
    let headers = [("grpc-timeout", timeout)];
    wire.call_with_headers(server.address, "/Message/Stream", &told(key), &headers).await
}

/// Calls the probe without a socket, so that paused time advances only when every task is idle.
async fn call_in_paused_time(wire: Wire, key: &str, timeout: &str) -> (Answer, Events) {
    let (bridge, events) = Probe::hosted();
    let headers = [("grpc-timeout", timeout)];
    let answer = wire.call_router(bridge.into_router(), "/Message/Stream", frame(&told(key)), &headers).await;
    (answer, events)
}

#[tokio::test(start_paused = true)]
async fn a_waiting_handler_is_dropped_at_the_deadline() {
    for wire in Wire::ALL {
        let start = Instant::now();
        let (answer, mut events) = call_in_paused_time(wire, "wait", "250m").await;
        let ending = answer.ending().await;
        assert_eq!(start.elapsed().as_millis(), 250, "{wire:?}");
        assert_eq!(ending.code, 4, "{wire:?}");
        assert!(ending.words.contains("250ms"), "the message has the granted timeout: {}", ending.words);
        let context = events.started().await;
        assert!(events.released().await.is_some(), "the handler was dropped inside its call");
        let granted = Duration::from_millis(250).into();
        assert_eq!(context.end_reason(), Some(&EndReason::DeadlineExceeded { granted }));
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_follows_the_messages_at_the_deadline() {
    for wire in Wire::ALL {
        let start = Instant::now();
        let (answer, mut events) = call_in_paused_time(wire, "three", "4S").await;
        let (messages, ending) = answer.finish::<Progress>().await;
        assert_eq!(start.elapsed().as_millis(), 4000, "{wire:?}");
        let texts: Vec<_> = messages.iter().map(|progress| progress.message.as_str()).collect();
        assert_eq!(texts, ["one", "two", "three"], "{wire:?}");
        assert_eq!(ending.code, 4, "{wire:?}");
        events.started().await;
        events.released().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_handler_is_dropped_at_the_deadline_even_if_its_response_is_not_polled() {
    for wire in Wire::ALL {
        let start = Instant::now();
        let (answer, mut events) = call_in_paused_time(wire, "three", "4S").await;
        events.started().await;
        events.released().await.expect("a context");
        assert_eq!(start.elapsed().as_millis(), 4000, "{wire:?}");
        assert_eq!(answer.finish::<Progress>().await.1.code, 4, "a later poll gets the status");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_with_a_pushback_when_it_was_open_for_as_long_as_any_may_be() {
    let policy = DeadlinePolicy::new().with_max_duration(Duration::from_secs(10));
    for (timeout, code, seconds) in [("1H", 14, 9..=11), ("5S", 4, 5..=5)] {
        for wire in [Wire::GRPC, Wire::WEB_H1] {
            let start = Instant::now();
            let (bridge, mut events) = Probe::hosted();
            let router = bridge.deadlines(policy).into_router();
            let headers = [("grpc-timeout", timeout)];
            let answer = wire.call_router(router, "/Message/Stream", frame(&told("three")), &headers).await;
            let trailers = answer.trailers_after::<Progress>().await;
            assert!(
                seconds.contains(&start.elapsed().as_secs()),
                "{wire:?}, {timeout}: {:?}",
                start.elapsed()
            );
            assert_eq!(trailers["grpc-status"], code.to_string().as_str(), "{wire:?}, {timeout}");
            assert_eq!(trailers.contains_key("grpc-retry-pushback-ms"), code == 14);
            let reason = events.started().await.end_reason().cloned();
            assert_eq!(matches!(reason, Some(EndReason::MaxDuration { .. })), code == 14, "{reason:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_always_ready_ends_at_the_deadline() {
    for wire in [Wire::GRPC, Wire::WEB_H1] {
        let (server, mut events) = Probe::start().await;
        let answer = call_within(wire, &server, "always", "1S").await;
        let (messages, ending) = answer.finish::<Progress>().await;
        assert!(!messages.is_empty());
        assert_eq!(ending.code, 4, "{wire:?}");
        events.started().await;
        events.released().await;
    }
}

/// Waits until the handler is dropped at its deadline, while the client reads nothing.
async fn dropped_at_deadline(events: &mut Events) {
    let context = events.started().await;
    events.released().await.expect("a context");
    assert!(
        matches!(context.end_reason(), Some(EndReason::DeadlineExceeded { .. })),
        "{:?}",
        context.end_reason()
    );
}

#[tokio::test]
async fn a_client_that_does_not_read_does_not_delay_the_deadline() {
    // Over HTTP/1.1 the socket's buffers are full; over HTTP/2 the stream's window is.
    let (server, mut events) = Probe::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let body = frame(&told("large"));
    let head = format!(
        "POST /Message/Stream HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web\r\n\
         grpc-timeout: 2S\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    dropped_at_deadline(&mut events).await;

    let answer = call_within(Wire::GRPC, &server, "large", "2S").await;
    dropped_at_deadline(&mut events).await;
    assert_eq!(answer.finish::<Progress>().await.1.code, 4, "the client gets the status once it reads");
    drop(stream);
}

#[tokio::test]
async fn a_deadline_during_the_request_ends_the_call() {
    use tokio::io::AsyncReadExt as _;

    let (server, mut events) = Probe::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /Message/Stream HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web\r\n\
                grpc-timeout: 20m\r\ncontent-length: 100\r\n\r\n\0\0\0";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    while !answer.contains("grpc-status: 4") {
        let mut piece = [0; 1024];
        let read = soon("the status", stream.read(&mut piece)).await.unwrap();
        assert!(read > 0, "closed without a status: {answer}");
        answer += std::str::from_utf8(&piece[..read]).unwrap();
    }
    assert!(events.is_silent(), "the handler was never called");
    assert_eq!(server.calls.open(), 0);
}

#[tokio::test]
async fn a_timeout_of_zero_ends_a_call_before_its_handler_starts() {
    let (server, mut events) = Probe::start().await;
    for wire in Wire::ALL {
        for zero in ["0n", "0H"] {
            assert_eq!(call_within(wire, &server, "echo", zero).await.ending().await.code, 4, "{wire:?}");
        }
    }
    assert!(events.is_silent());
}

#[tokio::test]
async fn the_policy_has_a_default_and_a_maximum() {
    let second = Duration::from_secs;
    let with = |default, max| {
        let (bridge, events) = Probe::hosted();
        let bridge: Bridge = bridge.deadlines(DeadlinePolicy::new().with_default(default).with_max(max));
        async move { (Server::start(bridge).await, events) }
    };
    for (default, max, asked, granted) in [
        (Some(second(7)), None, None, Some(second(7))),
        (Some(second(7)), None, Some("9S"), Some(second(9))),
        (None, Some(second(3)), Some("9S"), Some(second(3))),
        (None, None, None, None),
    ] {
        let (server, mut events) = with(default, max).await;
        let headers: Vec<_> = asked.map(|asked| ("grpc-timeout", asked)).into_iter().collect();
        let key = told("echo");
        let answer = Wire::GRPC.call_with_headers(server.address, "/Message/Stream", &key, &headers).await;
        let deadline = events.started().await.deadline().map(|deadline| deadline.granted().duration());
        assert_eq!(deadline, granted);
        assert_eq!(answer.finish::<Progress>().await.1.code, 0);
        events.released().await;
    }
}

#[tokio::test]
async fn a_call_that_ends_before_its_deadline_is_completed() {
    for wire in Wire::ALL {
        let (server, mut events) = Probe::start().await;
        let (messages, ending) = call_within(wire, &server, "echo", "1H").await.finish::<Progress>().await;
        assert_eq!((messages.len(), ending.code), (1, 0));
        let context = events.started().await;
        events.released().await;
        assert_eq!(soon("the end", context.cancelled()).await, EndReason::Completed(tonic::Code::Ok));
    }
}
