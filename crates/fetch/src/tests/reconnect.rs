//! Streams that go on over several calls.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use drawbridge_proto::message::{Request, Response, message_client::MessageClient};
use tonic::Code;

use super::mock_browser::MockBrowser;
use super::task::Task;
use crate::client::Client;
use crate::reconnect::{Calls, reconnecting_on};
use crate::{CallOptions, CancelHandle, Cause, ReconnectEvent, ReconnectPolicy, RetryAt, Trace};

const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

/// A stream whose requests have the last message as their key.
struct Stream {
    browser: MockBrowser,
    task: Task<Calls<MockBrowser, Response>>,
    /// The last message before each request.
    last: Rc<RefCell<Vec<Option<String>>>>,
}

impl Stream {
    fn start(policy: ReconnectPolicy, options: CallOptions) -> Self {
        let browser = MockBrowser::default();
        let last = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&last);
        let client = MessageClient::new(Client::new(browser.clone()));
        let calls = reconnecting_on(
            browser.clone(),
            policy.with_backoff(ms(100), 2.0, ms(300)),
            move |last: Option<&Response>| {
                seen.borrow_mut().push(last.map(|last| last.message.clone()));
                let mut request = tonic::Request::new(Request { key: "k".into() });
                request.extensions_mut().insert(options.clone());
                request
            },
            move |request| {
                let mut client = client.clone();
                async move { client.stream(request).await }
            },
        );
        Self { browser, task: Task::spawn(calls), last }
    }

    /// Returns the next item in short, or `None` if the stream waits.
    fn next(&mut self) -> Option<String> {
        match self.task.poll_next() {
            Poll::Pending => None,
            Poll::Ready(None) => Some("end".to_owned()),
            Poll::Ready(Some(Err(status))) => Some(format!("{:?}", status.code())),
            Poll::Ready(Some(Ok(event))) => Some(match event {
                ReconnectEvent::Connected => "connected".to_owned(),
                ReconnectEvent::Message(message) => message.message,
                ReconnectEvent::Disconnected(why) => {
                    let planned = if why.is_planned() { "planned " } else { "" };
                    match why.retry_at {
                        RetryAt::Time(at) => format!("{planned}{}", at.as_millis()),
                        at => format!("{planned}{at:?}"),
                    }
                }
            }),
        }
    }

    /// Returns all items until the stream waits or ends.
    fn read(&mut self) -> Vec<String> {
        let mut items = Vec::new();
        while let Some(item) = self.next() {
            let ended = item == "end";
            items.push(item);
            if ended {
                break;
            }
        }
        items
    }
}

fn stream() -> Stream {
    Stream::start(ReconnectPolicy::repeatable(), CallOptions::new())
}

#[test]
fn a_stream_goes_on_after_a_restart_and_gets_its_last_message() {
    let mut stream = stream();
    assert!(stream.read().is_empty());
    stream.browser.attempt(1).accept().message("one").message("two");
    assert_eq!(stream.read(), ["connected", "one", "two"]);
    stream.browser.attempt(1).end("grpc-status: 14\r\ngrpc-retry-pushback-ms: 250\r\n");
    assert_eq!(stream.read(), ["planned 250"]);
    stream.browser.advance(ms(249));
    assert!(stream.read().is_empty());
    assert_eq!(stream.browser.attempts(), 1);
    stream.browser.advance(ms(1));
    assert!(stream.read().is_empty());
    stream.browser.attempt(2).accept().message("three").end("grpc-status: 0\r\n");
    assert_eq!(stream.read(), ["connected", "three", "end"]);
    assert_eq!(*stream.last.borrow(), [None, Some("two".to_owned())]);
    let browser = stream.browser.clone();
    drop(stream);
    assert!(browser.is_idle());
}

#[test]
fn a_lost_connection_is_told_with_the_time_of_the_next_call() {
    let mut stream = stream();
    stream.read();
    stream.browser.attempt(1).reset();
    assert_eq!(stream.read(), ["100"]);
    stream.browser.advance(ms(100));
    stream.read();
    stream.browser.attempt(2).accept().reset();
    assert_eq!(stream.read(), ["connected", "300"], "an accepted call does not reset the backoff");
}

#[test]
fn any_other_status_is_the_last_item() {
    let mut stream = stream();
    stream.read();
    stream.browser.attempt(1).accept().message("one").end("grpc-status: 5\r\n");
    assert_eq!(stream.read(), ["connected", "one", "NotFound", "end"]);
}

#[test]
fn all_calls_have_the_deadline_of_the_stream() {
    let mut stream = Stream::start(ReconnectPolicy::repeatable().with_timeout(ms(1_000)), CallOptions::new());
    stream.read();
    assert_eq!(stream.browser.attempt(1).headers()["grpc-timeout"], "1000000u");
    stream.browser.advance(ms(500));
    stream.browser.attempt(1).reset();
    assert_eq!(stream.read(), ["600"]);
    stream.browser.advance(ms(100));
    stream.read();
    assert_eq!(stream.browser.attempt(2).headers()["grpc-timeout"], "400000u");
    stream.browser.advance(ms(400));
    assert_eq!(stream.read(), ["DeadlineExceeded", "end"]);
}

#[test]
fn the_deadline_ends_a_wait_without_network() {
    let mut stream = Stream::start(ReconnectPolicy::repeatable().with_timeout(ms(1_000)), CallOptions::new());
    stream.read();
    stream.browser.go_offline();
    stream.browser.attempt(1).reset();
    assert_eq!(stream.read(), ["Online"]);
    stream.browser.advance(ms(1_000));
    assert_eq!(stream.read(), ["DeadlineExceeded", "end"]);
    assert_eq!(stream.browser.attempts(), 1);
}

#[test]
fn the_next_call_is_made_when_the_browser_is_online_again() {
    let mut stream = stream();
    stream.read();
    stream.browser.attempt(1).reset();
    assert_eq!(stream.read(), ["100"]);
    stream.browser.go_offline();
    assert_eq!(stream.read(), ["Online"]);
    stream.browser.advance(ms(60_000));
    assert!(stream.read().is_empty());
    assert_eq!(stream.browser.attempts(), 1);
    stream.browser.go_online();
    stream.read();
    assert_eq!(stream.browser.attempts(), 2);
}

#[test]
fn a_hidden_page_makes_its_next_call_when_it_is_visible() {
    let mut stream = stream();
    stream.read();
    stream.browser.set_hidden(true);
    stream.browser.attempt(1).reset();
    assert_eq!(stream.read(), ["Visible"]);
    stream.browser.advance(ms(60_000));
    stream.read();
    assert_eq!(stream.browser.attempts(), 1);
    stream.browser.set_hidden(false);
    stream.read();
    assert_eq!(stream.browser.attempts(), 2);
}

#[test]
fn leaving_the_page_aborts_the_call_and_a_page_that_comes_back_makes_the_next() {
    let mut stream = stream();
    stream.read();
    stream.browser.attempt(1).accept().message("one");
    stream.read();
    stream.browser.leave();
    assert!(stream.browser.attempt(1).is_aborted());
    assert_eq!(stream.read(), ["Visible"]);
    stream.browser.advance(ms(60_000));
    assert!(stream.read().is_empty());
    stream.browser.show_again();
    stream.read();
    assert_eq!(stream.browser.attempts(), 2);
}

#[test]
fn a_handle_shortens_the_wait_only() {
    let mut stream = stream();
    let handle = stream.task.get().handle();
    stream.read();
    handle.reconnect_now();
    stream.read();
    stream.browser.attempt(1).reset();
    assert_eq!(stream.read(), ["100"], "it was used while a call was being made");
    handle.reconnect_now();
    stream.read();
    assert_eq!(stream.browser.attempts(), 2);
}

#[test]
fn a_cancel_handle_ends_the_wait_too() {
    let cancel = CancelHandle::new();
    let trace = Trace::new();
    let mut stream = Stream::start(
        ReconnectPolicy::repeatable(),
        CallOptions::new().with_cancel(&cancel).with_trace(&trace),
    );
    stream.read();
    stream.browser.attempt(1).reset();
    stream.read();
    cancel.cancel();
    assert_eq!(stream.read(), ["Cancelled", "end"]);
    assert_eq!(trace.read().end.unwrap().1.code(), Code::Cancelled);
}

#[test]
fn the_trace_has_each_break_and_one_end() {
    let trace = Trace::new();
    let mut stream = Stream::start(ReconnectPolicy::repeatable(), CallOptions::new().with_trace(&trace));
    stream.read();
    stream.browser.attempt(1).accept().message("one");
    stream.read();
    stream.browser.advance(ms(10));
    stream.browser.attempt(1).end("grpc-status: 14\r\ngrpc-retry-pushback-ms: 5\r\n");
    stream.read();
    assert!(trace.read().end.is_none(), "it waits");
    stream.browser.advance(ms(5));
    stream.read();
    assert!(trace.read().end.is_none());
    stream.browser.attempt(2).accept().end("grpc-status: 0\r\n");
    stream.read();

    let read = trace.read();
    let attempts: Vec<_> = read
        .attempts
        .iter()
        .map(|attempt| {
            let (at, status) = attempt.end.clone().unwrap();
            (attempt.started, at, status.code(), attempt.backoff.map(|backoff| backoff.planned))
        })
        .collect();
    assert_eq!(attempts, [(ms(0), ms(10), Code::Unavailable, Some(ms(5))), (ms(15), ms(15), Code::Ok, None)]);
    assert_eq!(read.end.unwrap().1.code(), Code::Ok);
}

#[test]
fn dropping_a_stream_that_waits_ends_its_trace() {
    let trace = Trace::new();
    let mut stream = Stream::start(ReconnectPolicy::repeatable(), CallOptions::new().with_trace(&trace));
    stream.read();
    stream.browser.attempt(1).reset();
    stream.read();
    let browser = stream.browser.clone();
    drop(stream);
    assert!(browser.is_idle());
    assert_eq!(Cause::of(&trace.read().end.unwrap().1), Some(Cause::Cancelled));
}
