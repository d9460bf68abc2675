//! Which failures are retried.

use drawbridge_core::RetryPolicy;
use tonic::{Code, Status};

use super::super::calls::StreamReader;
use super::super::mock_browser::{MockBrowser, frame};
use super::steps::{BACKOFF, assert_fails, assert_waits, fail, first_attempt, ms, retrying};
use crate::{CallOptions, CancelHandle, Cause};

#[test]
fn a_call_is_retried_until_it_succeeds() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(3));
    fail(&browser.attempt(1));
    assert_waits(&browser, &mut call, BACKOFF, 2);
    fail(&browser.attempt(2));
    assert_waits(&browser, &mut call, 2 * BACKOFF, 3);
    browser.attempt(3).accept().message("+").end("grpc-status: 0\r\n");
    assert_eq!(StreamReader::of(call).rest().0, ["+"]);
    assert!(browser.is_idle());
}

#[test]
fn the_last_failure_is_the_status_of_the_call() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(2));
    fail(&browser.attempt(1));
    assert_waits(&browser, &mut call, BACKOFF, 2);
    fail(&browser.attempt(2));
    assert_fails(&browser, call, 2);
}

#[test]
fn without_a_policy_there_are_no_retries() {
    for options in [CallOptions::new(), CallOptions::new().without_retry(), retrying(1)] {
        let browser = MockBrowser::default();
        let call = first_attempt(&browser, options);
        fail(&browser.exchange());
        assert_fails(&browser, call, 1);
    }
}

#[test]
fn other_codes_are_not_retried() {
    let browser = MockBrowser::default();
    let call = first_attempt(&browser, retrying(3));
    browser.exchange().accept().end("grpc-status: 5\r\n");
    assert_eq!(StreamReader::of(call).status().code(), Code::NotFound);
    assert!(browser.is_idle());
}

#[test]
fn a_status_in_the_trailers_frame_is_retried_like_one_in_the_head() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(3));
    browser.attempt(1).accept().end("grpc-status: 14\r\n");
    assert_waits(&browser, &mut call, BACKOFF, 2);
    // The status is enough: the response need not end.
    browser.attempt(2).accept().chunk(frame(0x80, b"grpc-status: 14\r\n"));
    assert_waits(&browser, &mut call, 2 * BACKOFF, 3);
    assert!(!browser.attempt(3).is_aborted());
}

#[test]
fn a_failed_attempt_is_aborted_before_the_backoff() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(2));
    browser.exchange().accept().chunk(frame(0x80, b"grpc-status: 14\r\n"));
    assert!(call.run().is_none());
    assert!(browser.exchange().is_aborted());
}

#[test]
fn a_message_commits_the_call() {
    let browser = MockBrowser::default();
    let call = first_attempt(&browser, retrying(3));
    browser.exchange().accept().message("+").end("grpc-status: 14\r\n");
    let mut reading = StreamReader::of(call);
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    assert_eq!(reading.status().code(), Code::Unavailable);
    browser.exchange();
}

#[test]
fn the_first_byte_of_a_message_commits_the_call() {
    let browser = MockBrowser::default();
    let call = first_attempt(&browser, retrying(3));
    browser.exchange().accept().chunk(vec![0]);
    let mut reading = StreamReader::of(call);
    assert!(reading.is_waiting());
    browser.exchange().reset();
    assert_eq!(reading.status().code(), Code::Unavailable);
    browser.exchange();
}

#[test]
fn the_head_does_not_commit_and_is_returned_immediately_only_without_retries() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(2));
    browser.attempt(1).accept();
    assert!(call.run().is_none());
    browser.attempt(1).reset();
    assert_waits(&browser, &mut call, BACKOFF, 2);

    let browser = MockBrowser::default();
    let call = first_attempt(&browser, CallOptions::new());
    browser.exchange().accept();
    assert!(StreamReader::of(call).is_waiting());
}

#[test]
fn an_empty_stream_is_a_success() {
    let browser = MockBrowser::default();
    let call = first_attempt(&browser, retrying(3));
    browser.exchange().accept().end("grpc-status: 0\r\n");
    assert!(StreamReader::of(call).next().is_none());
    assert!(!browser.exchange().is_aborted() && browser.is_idle());
}

#[test]
fn a_status_that_is_not_retried_is_read_to_the_end() {
    let browser = MockBrowser::default();
    let call = first_attempt(&browser, retrying(3));
    browser.exchange().accept().chunk(frame(0x80, b"grpc-status: 5\r\n"));
    let mut reading = StreamReader::of(call);
    assert!(reading.is_waiting());
    browser.exchange().chunk(vec![0]);
    assert_eq!(Cause::of(&reading.status()), Some(Cause::Protocol), "nothing may follow the trailers");
}

#[test]
fn a_request_that_could_not_be_sent_is_retried() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(2));
    browser.attempt(1).reset();
    assert_waits(&browser, &mut call, BACKOFF, 2);
    browser.attempt(2).reset();
    let status = call.output().unwrap_err();
    assert_eq!(Cause::of(&status), Some(Cause::Unreachable { offline: false }));
}

#[test]
fn a_proxy_without_an_upstream_is_retried() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(2));
    browser.attempt(1).respond(503, &[("content-type", "text/html")]).cut();
    assert_waits(&browser, &mut call, BACKOFF, 2);
}

/// Also if the policy has the code.
#[test]
fn a_call_ended_on_this_side_is_not_retried() {
    type End = fn(&MockBrowser, &CancelHandle);
    let all = || RetryPolicy::new(5, [Code::Cancelled, Code::DeadlineExceeded, Code::Unavailable]);
    let ends: [(End, Cause); 3] = [
        (|_, cancel| cancel.cancel(), Cause::Cancelled),
        (|browser, _| browser.leave(), Cause::PageLeft),
        (|browser, _| browser.advance(ms(250)), Cause::DeadlineExceeded),
    ];
    for (end, cause) in ends {
        let (browser, cancel) = (MockBrowser::default(), CancelHandle::new());
        let options = CallOptions::new().with_retry(all()).with_cancel(&cancel).with_timeout(ms(250));
        let call = first_attempt(&browser, options);
        end(&browser, &cancel);
        assert_eq!(Cause::of(&call.output().unwrap_err()), Some(cause));
        browser.attempt(1);
    }
}

#[test]
fn a_failure_has_the_servers_metadata() {
    let browser = MockBrowser::default();
    let call = first_attempt(&browser, retrying(3));
    browser.exchange().respond(
        200,
        &[("content-type", "application/grpc-web+proto"), ("grpc-status", "9"), ("x-why", "state")],
    );
    browser.exchange().cut();
    let status: Status = call.output().unwrap_err();
    assert_eq!(status.metadata().get("x-why").unwrap(), "state");
}
