//! A handler is dropped when its client disconnects, and when its call ends otherwise.

use std::time::Duration;

use drawbridge::EndReason;
use drawbridge_proto::message::Response as Progress;

use crate::support::client::{Wire, frame};
use crate::support::probe::{Probe, told};
use crate::support::soon;

#[tokio::test]
async fn a_disconnect_before_the_response_drops_the_handler() {
    for wire in Wire::ALL {
        let (server, mut events) = Probe::start().await;
        let address = server.address;
        let call = tokio::spawn(async move { wire.call(address, "/Message/Stream", &told("wait")).await });
        let context = events.started().await;
        assert!(events.is_silent());
        call.abort();
        let current = events.released().await.expect("a handler is dropped inside its call");
        assert_eq!(current.call_id(), context.call_id());
        assert_eq!(context.end_reason(), Some(&EndReason::ClientGone), "{wire:?}");
        assert_eq!(server.calls.open(), 0);
    }
}

#[tokio::test]
async fn a_disconnect_during_a_busy_stream_drops_the_handler() {
    for wire in Wire::ALL {
        let (server, mut events) = Probe::start().await;
        let mut answer = wire.call(server.address, "/Message/Stream", &told("always")).await;
        let context = events.started().await;
        answer.message::<Progress>().await.expect("a message");
        drop(answer);
        events.released().await.expect("a stream is dropped inside its call");
        assert_eq!(context.end_reason(), Some(&EndReason::ClientGone), "{wire:?}");
        assert!(context.messages() > 0);
    }
}

#[tokio::test]
async fn a_disconnect_during_a_silent_stream_drops_the_handler() {
    for wire in Wire::ALL {
        let (server, mut events) = Probe::start().await;
        let mut answer = wire.call(server.address, "/Message/Stream", &told("three")).await;
        let context = events.started().await;
        for _ in 0..3 {
            answer.message::<Progress>().await.expect("three messages");
        }
        assert!(events.is_silent());
        drop(answer);
        events.released().await;
        assert_eq!(context.end_reason(), Some(&EndReason::ClientGone), "{wire:?}");
        assert_eq!(context.messages(), 3);
    }
}

#[tokio::test]
async fn a_reset_of_one_stream_does_not_affect_others_of_the_connection() {
    let (server, mut events) = Probe::start().await;
    let mut connection = Wire::GRPC.connect(server.address).await;
    let mut answers = Vec::new();
    let mut contexts = Vec::new();
    for _ in 0..3 {
        answers
            .push(Wire::GRPC.call_with(&mut connection, "/Message/Stream", frame(&told("three")), &[]).await);
        contexts.push(events.started().await);
    }
    drop(answers.remove(1));
    let released = events.released().await.expect("a context");
    assert_eq!(released.call_id(), contexts[1].call_id());
    for (answer, context) in answers.iter_mut().zip([&contexts[0], &contexts[2]]) {
        assert_eq!(answer.message::<Progress>().await.expect("a message").message, "one");
        assert_eq!(context.end_reason(), None);
    }
    assert_eq!(server.calls.open(), 2);
}

#[tokio::test]
async fn cancelled_resolves_with_the_end_reason() {
    let (server, mut events) = Probe::start().await;
    let answer = Wire::WEB_H1.call(server.address, "/Message/Stream", &told("silent")).await;
    let context = events.started().await;
    let waiting = tokio::spawn(async move { context.cancelled().await });
    drop(answer);
    assert_eq!(soon("the end", waiting).await.unwrap(), EndReason::ClientGone);
}

#[tokio::test]
async fn a_handler_can_cancel_its_call_with_a_message() {
    for wire in Wire::ALL {
        let (server, mut events) = Probe::start().await;
        let ending = wire.call(server.address, "/Message/Stream", &told("cancel")).await.ending().await;
        assert_eq!((ending.code, ending.words.as_str()), (1, "the probe gives up"), "{wire:?}");
        let context = events.started().await;
        events.released().await;
        let message = "the probe gives up".to_owned();
        assert_eq!(context.end_reason(), Some(&EndReason::CancelledByHandler(message)));

        let answer = wire.call(server.address, "/Message/Stream", &told("cancel later")).await;
        let (messages, ending) = answer.finish::<Progress>().await;
        assert_eq!(messages.len(), 1, "a message after the cancellation is not sent");
        assert_eq!((ending.code, ending.words.as_str()), (1, "the probe gives up"), "{wire:?}");
    }
}

#[tokio::test]
async fn a_panic_ends_only_its_own_call_with_internal() {
    let (server, mut events) = Probe::start().await;
    for wire in Wire::ALL {
        let mut connection = wire.connect(server.address).await;
        for (key, count) in [("panic", 0), ("panic later", 1)] {
            let answer = wire.call_with(&mut connection, "/Message/Stream", frame(&told(key)), &[]).await;
            let (messages, ending) = answer.finish::<Progress>().await;
            assert_eq!((messages.len(), ending.code), (count, 13), "{wire:?} {key}");
            let context = events.started().await;
            events.released().await;
            assert_eq!(context.end_reason(), Some(&EndReason::Panicked));
        }
        let answer = wire.call_with(&mut connection, "/Message/Stream", frame(&told("echo")), &[]).await;
        assert_eq!(answer.finish::<Progress>().await.0.len(), 1, "the connection stays open");
        events.started().await;
        events.released().await;
    }
}

#[tokio::test]
async fn a_shutdown_ends_open_calls_with_unavailable() {
    for wire in Wire::ALL {
        let (server, mut events) = Probe::start().await;
        let mut answer = wire.call(server.address, "/Message/Stream", &told("three")).await;
        let context = events.started().await;
        answer.message::<Progress>().await.expect("a message");
        let (ending, ()) = tokio::join!(answer.finish::<Progress>(), server.stop());
        assert_eq!(ending.1.code, 14, "{wire:?}");
        assert_eq!(context.end_reason(), Some(&EndReason::Draining));
    }
}

#[tokio::test]
async fn a_closed_connection_ends_all_its_calls() {
    let (server, mut events) = Probe::start().await;
    let mut connection = Wire::GRPC.connect(server.address).await;
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(
            Wire::GRPC.call_with(&mut connection, "/Message/Stream", frame(&told("silent")), &[]).await,
        );
        events.started().await;
    }
    drop((answers, connection));
    for _ in 0..5 {
        events.released().await;
    }
    soon("the list to be empty", async {
        while server.calls.open() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}
