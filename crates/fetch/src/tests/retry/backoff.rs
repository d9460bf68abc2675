//! The backoff between two attempts: how long it is, and what ends it.

use drawbridge_core::{SharedThrottle, Throttle};
use tonic::Code;

use super::super::calls::{StreamReader, start_on};
use super::super::mock_browser::MockBrowser;
use super::steps::{BACKOFF, assert_fails, assert_waits, fail, fail_with, first_attempt, ms, retrying};
use crate::client::Client;
use crate::{CancelHandle, Cause};

#[test]
fn each_attempt_sends_the_previous_attempts_and_the_remaining_time() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(3).with_timeout(ms(1_000)));
    let sent = |number: usize| {
        let headers = browser.attempt(number).headers().clone();
        ["grpc-previous-rpc-attempts", "grpc-timeout"]
            .map(|name| headers.get(name).map(|value| value.to_str().unwrap().to_owned()))
    };
    assert_eq!(sent(1), [None, Some("1000000u".to_owned())]);
    browser.advance(ms(50));
    fail(&browser.attempt(1));
    assert_waits(&browser, &mut call, BACKOFF, 2);
    assert_eq!(sent(2), [Some("1".to_owned()), Some("850000u".to_owned())]);
    fail(&browser.attempt(2));
    assert_waits(&browser, &mut call, 2 * BACKOFF, 3);
    assert_eq!(sent(3), [Some("2".to_owned()), Some("650000u".to_owned())]);
}

#[test]
fn a_pushback_is_the_backoff_and_resets_the_next_one() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(4));
    fail(&browser.attempt(1));
    assert_waits(&browser, &mut call, BACKOFF, 2);
    fail_with(&browser.attempt(2), &[("grpc-retry-pushback-ms", "700")]);
    assert_waits(&browser, &mut call, ms(700), 3);
    fail(&browser.attempt(3));
    assert_waits(&browser, &mut call, BACKOFF, 4);
}

#[test]
fn a_pushback_is_read_from_the_trailers_frame() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(2));
    browser.attempt(1).accept().end("grpc-status: 14\r\ngrpc-retry-pushback-ms: 700\r\n");
    assert_waits(&browser, &mut call, ms(700), 2);
}

#[test]
fn a_pushback_of_zero_retries_immediately() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(2));
    fail_with(&browser.attempt(1), &[("grpc-retry-pushback-ms", "0")]);
    assert!(call.run().is_none());
    browser.attempt(2);
}

#[test]
fn a_pushback_that_is_negative_or_not_a_number_stops_retries() {
    for pushback in ["-1", "soon", ""] {
        let browser = MockBrowser::default();
        let call = first_attempt(&browser, retrying(3));
        fail_with(&browser.exchange(), &[("grpc-retry-pushback-ms", pushback)]);
        assert_fails(&browser, call, 1);
    }
}

#[test]
fn a_backoff_beyond_the_deadline_is_skipped() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(3).with_timeout(ms(250)));
    fail(&browser.attempt(1));
    assert_waits(&browser, &mut call, BACKOFF, 2);
    // The second would end at 300 ms.
    fail(&browser.attempt(2));
    let status = call.output().unwrap_err();
    assert_eq!((status.code(), Cause::of(&status)), (Code::DeadlineExceeded, Some(Cause::NoTimeToRetry)));
    assert!(status.message().contains("UNAVAILABLE: no room here"), "{status}");
    assert!(status.message().contains("200ms") && status.message().contains("150ms"), "{status}");
    browser.attempt(2);
    assert!(browser.is_idle());
}

/// The timer of a suspended tab is late.
#[test]
fn a_deadline_that_passes_during_a_backoff_ends_the_call() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(3).with_timeout(ms(250)));
    fail(&browser.attempt(1));
    assert!(call.run().is_none());
    browser.sleep(ms(250));
    browser.become_visible();
    let status = call.output().unwrap_err();
    assert_eq!((status.code(), Cause::of(&status)), (Code::DeadlineExceeded, Some(Cause::DeadlineExceeded)));
    browser.attempt(1);
}

#[test]
fn the_deadline_covers_all_attempts() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(3).with_timeout(ms(250)));
    fail(&browser.attempt(1));
    assert_waits(&browser, &mut call, BACKOFF, 2);
    browser.advance(ms(149));
    assert!(call.run().is_none());
    browser.advance(ms(1));
    assert!(browser.attempt(2).is_aborted());
    assert_eq!(Cause::of(&call.output().unwrap_err()), Some(Cause::DeadlineExceeded));
}

#[test]
fn a_call_cancelled_during_a_backoff_is_not_retried() {
    let (browser, cancel) = (MockBrowser::default(), CancelHandle::new());
    let mut call = first_attempt(&browser, retrying(3).with_cancel(&cancel));
    fail(&browser.attempt(1));
    assert!(call.run().is_none());
    cancel.cancel();
    browser.advance(BACKOFF);
    assert_eq!(Cause::of(&call.output().unwrap_err()), Some(Cause::Cancelled));
    browser.attempt(1);
    assert!(browser.is_idle());
}

#[test]
fn a_call_dropped_during_a_backoff_is_not_retried() {
    let browser = MockBrowser::default();
    let mut call = first_attempt(&browser, retrying(3));
    fail(&browser.attempt(1));
    assert!(call.run().is_none());
    drop(call);
    assert!(browser.is_idle());
    browser.advance(BACKOFF);
    browser.attempt(1);
}

#[test]
fn the_throttle_stops_retries_to_a_failing_server() {
    let browser = MockBrowser::default();
    // The second failure leaves half of the four tokens.
    let throttle = SharedThrottle::new(Throttle::new(4, 1.0));
    let client = || Client { throttle: throttle.clone(), ..Client::new(browser.clone()) };
    let mut one = start_on(client(), retrying(5));
    assert!(one.run().is_none());
    fail(&browser.attempt(1));
    assert_waits(&browser, &mut one, BACKOFF, 2);
    fail(&browser.attempt(2));
    assert_fails(&browser, one, 2);

    // Each success returns one token.
    for number in [3, 4] {
        let mut call = start_on(client(), retrying(5));
        assert!(call.run().is_none());
        browser.attempt(number).accept().message("+").end("grpc-status: 0\r\n");
        assert_eq!(StreamReader::of(call).rest().0, ["+"]);
    }
    let mut call = start_on(client(), retrying(5));
    assert!(call.run().is_none());
    fail(&browser.attempt(5));
    assert_waits(&browser, &mut call, BACKOFF, 6);
}
