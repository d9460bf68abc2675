//! Steps of tests about retries.

use std::time::Duration;

use drawbridge_core::RetryPolicy;
use tonic::Code;

use super::super::calls::{Call, start};
use super::super::mock_browser::{Exchange, MockBrowser};
use crate::{CallOptions, Cause};

/// The first backoff. The second is twice as long.
pub(super) const BACKOFF: Duration = ms(100);

pub(super) const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

pub(super) fn policy(attempts: u32) -> RetryPolicy {
    RetryPolicy::new(attempts, [Code::Unavailable]).with_backoff(BACKOFF, 2.0, ms(10_000))
}

pub(super) fn retrying(attempts: u32) -> CallOptions {
    CallOptions::new().with_retry(policy(attempts))
}

/// Starts a call, and sends its first attempt.
pub(super) fn first_attempt(browser: &MockBrowser, options: CallOptions) -> Call {
    let mut call = start(browser, options);
    assert!(call.run().is_none());
    call
}

/// Fails an attempt with `UNAVAILABLE` in the head of the response, and these headers.
pub(super) fn fail_with(exchange: &Exchange, headers: &[(&'static str, &str)]) {
    let status = [
        ("content-type", "application/grpc-web+proto"),
        ("grpc-status", "14"),
        ("grpc-message", "no room here"),
    ];
    exchange.respond(200, &[&status, headers].concat()).cut();
}

pub(super) fn fail(exchange: &Exchange) {
    fail_with(exchange, &[]);
}

/// Checks that the call waits for exactly this long before its `number`th attempt.
#[track_caller]
pub(super) fn assert_waits(browser: &MockBrowser, call: &mut Call, wait: Duration, number: usize) {
    assert!(call.run().is_none());
    browser.advance(wait.checked_sub(ms(1)).expect("a wait"));
    assert!(call.run().is_none());
    browser.attempt(number - 1);
    browser.advance(ms(1));
    assert!(call.run().is_none());
    browser.attempt(number);
}

/// Checks that the call fails with the server's status after `number` attempts.
#[track_caller]
pub(super) fn assert_fails(browser: &MockBrowser, call: Call, number: usize) {
    let status = call.output().unwrap_err();
    assert_eq!((status.code(), Cause::of(&status)), (Code::Unavailable, None));
    assert_eq!(status.message(), "no room here");
    browser.attempt(number);
    assert!(browser.is_idle());
}
