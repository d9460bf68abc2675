//! What traces record.

use std::time::Duration;

use drawbridge_core::RetryPolicy;
use tonic::{Code, Status};

use super::calls::{StreamReader, start};
use super::mock_browser::MockBrowser;
use crate::{Backoff, CallOptions, Cause, Trace, Traced};

const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

fn traced(trace: &Trace) -> CallOptions {
    let policy = RetryPolicy::new(3, [Code::Unavailable]).with_backoff(ms(100), 2.0, ms(1_000));
    CallOptions::new().with_retry(policy).with_timeout(ms(500)).with_trace(trace)
}

/// When something ended, and with which code and message.
type End<'a> = (Duration, Code, &'a str);

/// Returns when an attempt or a call ended, and with which code and message.
fn end(end: Option<&(Duration, Status)>) -> Option<End<'_>> {
    end.map(|(at, status)| (*at, status.code(), status.message()))
}

fn ends(traced: &Traced) -> Vec<(Duration, Option<End<'_>>)> {
    traced.attempts.iter().map(|attempt| (attempt.started, end(attempt.end.as_ref()))).collect()
}

#[test]
fn each_attempt_is_recorded_with_its_end_and_backoff() {
    let (browser, trace) = (MockBrowser::default(), Trace::new());
    browser.advance(ms(1_000));
    let mut call = start(&browser, traced(&trace));
    assert!(call.run().is_none());
    assert!(trace.read().end.is_none() && trace.read().attempts[0].end.is_none());
    browser.advance(ms(10));
    browser.attempt(1).accept().end("grpc-status: 14\r\ngrpc-message: full\r\n");
    assert!(call.run().is_none());
    browser.advance(ms(100));
    assert!(call.run().is_none());
    browser.advance(ms(20));
    browser.attempt(2).accept().message("+");
    let mut reading = StreamReader::of(call);
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    browser.advance(ms(30));
    browser.attempt(2).end("grpc-status: 0\r\n");
    assert!(reading.next().is_none());

    let read = trace.read();
    assert_eq!((read.began, read.granted), (ms(1_000), Some(ms(500))));
    assert_eq!(
        ends(&read),
        [
            (ms(1_000), Some((ms(1_010), Code::Unavailable, "full"))),
            (ms(1_110), Some((ms(1_160), Code::Ok, "")))
        ]
    );
    assert_eq!(read.attempts[0].backoff, Some(Backoff { planned: ms(100), skipped: false }));
    assert_eq!(read.attempts[1].backoff, None);
    assert_eq!(end(read.end.as_ref()), Some((ms(1_160), Code::Ok, "")));
}

#[test]
fn a_skipped_backoff_is_recorded_and_the_call_ends_with_the_attempt() {
    let (browser, trace) = (MockBrowser::default(), Trace::new());
    let mut call = start(&browser, traced(&trace));
    assert!(call.run().is_none());
    browser.advance(ms(10));
    browser.attempt(1).accept().end("grpc-status: 14\r\ngrpc-retry-pushback-ms: 600\r\n");
    assert!(call.output().is_err());
    let read = trace.read();
    assert_eq!(ends(&read), [(ms(0), Some((ms(10), Code::Unavailable, "")))]);
    assert_eq!(read.attempts[0].backoff, Some(Backoff { planned: ms(600), skipped: true }));
    let (at, status) = read.end.unwrap();
    assert_eq!((at, Cause::of(&status)), (ms(10), Some(Cause::NoTimeToRetry)));
}

#[test]
fn a_dropped_call_has_an_end() {
    let (browser, trace) = (MockBrowser::default(), Trace::new());
    let mut call = start(&browser, traced(&trace));
    assert!(call.run().is_none());
    browser.advance(ms(10));
    drop(call);
    let read = trace.read();
    let (at, status) = read.end.unwrap();
    assert_eq!((at, status.code(), Cause::of(&status)), (ms(10), Code::Cancelled, Some(Cause::Cancelled)));
    assert_eq!(read.attempts[0].end.as_ref().unwrap().0, ms(10));
}

#[test]
fn a_status_in_the_head_ends_the_attempt_and_the_call() {
    let (browser, trace) = (MockBrowser::default(), Trace::new());
    let mut call = start(&browser, traced(&trace));
    assert!(call.run().is_none());
    browser.attempt(1).respond(200, &[("content-type", "application/grpc-web"), ("grpc-status", "5")]).cut();
    assert!(call.output().is_err());
    let read = trace.read();
    assert_eq!(end(read.end.as_ref()).unwrap().1, Code::NotFound);
    assert_eq!(end(read.attempts[0].end.as_ref()).unwrap().1, Code::NotFound);
}

#[test]
fn a_call_that_is_not_sent_has_no_attempts() {
    let (browser, trace) = (MockBrowser::default(), Trace::new());
    assert!(start(&browser, traced(&trace).with_timeout(Duration::ZERO)).output().is_err());
    let read = trace.read();
    assert!(read.attempts.is_empty());
    assert_eq!(end(read.end.as_ref()).unwrap().1, Code::DeadlineExceeded);
}

#[test]
fn a_second_call_overwrites_the_trace() {
    let (browser, trace) = (MockBrowser::default(), Trace::new());
    for number in 1..=2 {
        let mut call = start(&browser, traced(&trace));
        assert!(call.run().is_none());
        browser.attempt(number).reset();
        drop(call);
        assert_eq!(trace.read().attempts.len(), 1);
    }
}
