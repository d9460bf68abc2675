//! Deadlines, cancellation and ids that child calls inherit from their parents.

use std::time::Duration;

use drawbridge::{CallContext, EndReason, OnCallEnd, PropagationLayer, in_process};
use drawbridge_proto::message::Response as Progress;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::{Code, Request};

use crate::support::client::{Answer, Wire, frame};
use crate::support::probe::{Events, Probe, told};
use crate::support::relay::{Relay, child};
use crate::support::{Server, soon};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn granted(call: &CallContext) -> Option<Duration> {
    call.deadline().map(|deadline| deadline.granted().duration())
}

/// Makes a call to a relay without a socket, so that time can be paused.
async fn call(relay: Relay, key: &str, timeout: Option<&str>) -> Answer {
    let headers: Vec<_> = timeout.map(|timeout| ("grpc-timeout", timeout)).into_iter().collect();
    let router = relay.hosted().into_router();
    Wire::WEB_H1.call_router(router, "/Message/Stream", frame(&told(key)), &headers).await
}

#[tokio::test(start_paused = true)]
async fn the_remaining_timeout_shrinks_from_hop_to_hop() {
    let (channel, mut events) = Probe::in_process();
    let (mut second, mut second_calls) = Relay::to(channel);
    second.pause = ms(30);
    let (mut first, mut first_calls) = Relay::to(in_process(second.hosted().into_router()));
    first.pause = ms(20);
    let answer = call(first, "echo", Some("5S")).await;
    assert_eq!(answer.finish::<Progress>().await.1.code, 0);
    assert_eq!(granted(&first_calls.recv().await.unwrap()), Some(ms(5000)));
    assert_eq!(granted(&second_calls.recv().await.unwrap()), Some(ms(4980)));
    assert_eq!(granted(&events.started().await), Some(ms(4950)));
}

#[tokio::test(start_paused = true)]
async fn the_smaller_of_own_and_inherited_timeout_applies() {
    for (own, inherited, expected) in [
        (Some(100), Some("5S"), Some(100)),
        (Some(9000), Some("5S"), Some(5000)),
        (None, Some("5S"), Some(5000)),
        (Some(100), None, Some(100)),
        (None, None, None),
    ] {
        let (channel, mut events) = Probe::in_process();
        let (mut relay, _calls) = Relay::to(channel);
        relay.timeout = own.map(ms);
        let answer = call(relay, "echo", inherited).await;
        assert_eq!(answer.finish::<Progress>().await.1.code, 0);
        assert_eq!(granted(&events.started().await), expected.map(ms), "{own:?} of {inherited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_childs_own_deadline_ends_it_before_and_during_its_response() {
    // `wait` sends no response. `three` sends three messages and no trailers.
    for (key, count) in [("wait", 0), ("three", 3)] {
        let (channel, mut events) = Probe::in_process();
        let (mut relay, mut calls) = Relay::to(channel);
        relay.timeout = Some(ms(200));
        let start = Instant::now();
        let (messages, ending) = call(relay, key, Some("5S")).await.finish::<Progress>().await;
        assert_eq!((messages.len(), ending.code), (count, 4), "{key}");
        assert!(ending.words.contains("200ms"), "the message names the child's timeout: {}", ending.words);
        assert_eq!(start.elapsed(), ms(200), "{key}");
        events.started().await;
        events.released().await;
        let parent = calls.recv().await.unwrap();
        assert_eq!(parent.end_reason(), Some(&EndReason::Completed(Code::DeadlineExceeded)));
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_parents_deadline_the_parent_and_not_the_child_decides_the_end() {
    for key in ["wait", "three"] {
        let (channel, mut events) = Probe::in_process();
        let (relay, mut calls) = Relay::to(channel);
        let answer = call(relay, key, Some("300m")).await;
        let ending = answer.finish::<Progress>().await.1;
        assert_eq!((ending.code, ending.words.as_str()), (4, "the call did not end within 300ms"), "{key}");
        let parent = calls.recv().await.unwrap();
        let granted = ms(300).into();
        assert_eq!(parent.end_reason(), Some(&EndReason::DeadlineExceeded { granted }), "{key}");
        events.started().await;
        events.released().await;
    }
}

#[tokio::test]
async fn cancelling_a_parent_cancels_its_child() {
    for key in ["wait", "silent"] {
        for wire in Wire::ALL {
            let (channel, mut events) = Probe::in_process();
            let (relay, _calls) = Relay::to(channel);
            let server = Server::start(relay.hosted()).await;
            let address = server.address;
            let call = tokio::spawn(async move {
                let answer = wire.call(address, "/Message/Stream", &told(key)).await;
                answer.finish::<Progress>().await
            });
            let child = events.started().await;
            call.abort();
            events.released().await;
            assert_eq!(child.end_reason(), Some(&EndReason::ClientGone), "{wire:?} {key}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_parents_deadline_cancels_its_child() {
    for key in ["wait", "silent"] {
        let (channel, mut events) = Probe::in_process();
        let (relay, _calls) = Relay::to(channel);
        let ending = call(relay, key, Some("300m")).await.ending().await;
        assert_eq!(ending.code, 4, "{key}");
        events.started().await;
        events.released().await;
    }
}

/// Opens a call that does not end. Returns its context, and what keeps it open.
async fn open_call() -> (CallContext, (Server, Answer, Events)) {
    let (server, mut events) = Probe::start().await;
    let answer = Wire::GRPC.call(server.address, "/Message/Stream", &told("silent")).await;
    let context = events.started().await;
    (context, (server, answer, events))
}

#[tokio::test]
async fn a_child_in_a_detached_task_gets_the_status_of_its_parents_end() {
    for key in ["wait", "silent"] {
        let (channel, mut events) = Probe::in_process();
        let (parent, _open) = open_call().await;
        let ended: tokio::task::JoinHandle<_> = parent.spawn(OnCallEnd::Detach, async move {
            let mut stream = child(channel).stream(told(key)).await?.into_inner();
            stream.message().await.map(drop)
        });
        events.started().await;
        parent.cancel("out of stock");
        let status = soon("the child's end", ended).await.unwrap().unwrap().unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Cancelled, "out of stock"), "{key}");
        events.released().await;
    }
}

#[tokio::test]
async fn a_detached_child_inherits_nothing() {
    let (channel, mut events) = Probe::in_process();
    let (mut relay, mut calls) = Relay::to(channel);
    relay.detached = true;
    let server = Server::start(relay.hosted()).await;
    let headers = [("grpc-timeout", "1H"), ("x-request-id", "order-17")];
    let key = told("silent");
    let _answer = Wire::GRPC.call_with_headers(server.address, "/Message/Stream", &key, &headers).await;
    let (parent, child) = (calls.recv().await.unwrap(), events.started().await);
    assert_eq!(granted(&parent), Some(Duration::from_hours(1)));
    assert_eq!(granted(&child), None);
    assert_ne!(parent.request_id(), child.request_id());
}

#[tokio::test]
async fn a_detached_child_goes_on_when_its_parent_ends() {
    let (channel, mut events) = Probe::in_process();
    let (parent, _open) = open_call().await;
    let (sender, mut messages) = mpsc::unbounded_channel();
    parent.spawn(OnCallEnd::Detach, async move {
        let mut request = Request::new(told("always"));
        request.extensions_mut().insert(drawbridge::Detached);
        let mut stream = child(channel).stream(request).await.unwrap().into_inner();
        while sender.send(stream.message().await.unwrap()).is_ok() {}
    });
    let child = events.started().await;
    parent.cancel("enough");
    while messages.try_recv().is_ok() {}
    soon("a message after the parent's end", messages.recv()).await.unwrap().expect("a message");
    assert_eq!(child.end_reason(), None);
}

#[tokio::test]
async fn the_hops_of_a_request_share_its_request_id() {
    let (channel, mut events) = Probe::in_process();
    let (relay, mut calls) = Relay::to(channel);
    let server = Server::start(relay.hosted()).await;
    let answer = Wire::WEB_H1.call(server.address, "/Message/Stream", &told("echo")).await;
    let (parent, child) = (calls.recv().await.unwrap(), events.started().await);
    assert_eq!(answer.headers["x-request-id"], parent.request_id().as_str());
    assert_eq!(parent.request_id(), child.request_id());
    assert_ne!(parent.call_id(), child.call_id());
}

#[tokio::test]
async fn a_status_that_a_handler_returns_has_no_http_headers_of_the_child() {
    let (channel, _events) = Probe::in_process();
    let (relay, _calls) = Relay::to(channel);
    let server = Server::start(relay.hosted()).await;
    for wire in Wire::ALL {
        let answer = wire.call(server.address, "/Message/Stream", &told("fail")).await;
        for name in ["date", "vary", "x-request-id"] {
            assert!(
                answer.headers.get_all(name).iter().count() <= 1,
                "{wire:?} {name}: {:?}",
                answer.headers
            );
        }
        let ending = answer.ending().await;
        assert_eq!((ending.code, ending.words.as_str()), (9, "the probe was told to fail"), "{wire:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_parent_is_sent_without_a_deadline() {
    let (channel, mut events) = Probe::in_process();
    let mut stream = child(channel).stream(told("echo")).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().message, "echo");
    assert_eq!(granted(&events.started().await), None);
}

#[tokio::test]
async fn without_ids_a_child_inherits_deadline_and_cancellation_but_no_ids() {
    for (layer, sends_ids) in
        [(PropagationLayer::new(), true), (PropagationLayer::new().without_ids(), false)]
    {
        let (channel, mut events) = Probe::in_process();
        let (relay, mut calls) = Relay::through(layer, channel);
        let server = Server::start(relay.hosted()).await;
        let (key, headers) = (told("silent"), [("grpc-timeout", "1H")]);
        let answer = Wire::GRPC.call_with_headers(server.address, "/Message/Stream", &key, &headers).await;
        let (parent, child) = (calls.recv().await.unwrap(), events.started().await);
        assert_eq!(child.parent() == Some(parent.call_id()), sends_ids);
        assert_eq!(child.request_id() == parent.request_id(), sends_ids);
        assert!(granted(&child).unwrap() > Duration::from_mins(59));
        drop(answer);
        events.released().await;
        assert_eq!(child.end_reason(), Some(&EndReason::ClientGone));
    }
}
