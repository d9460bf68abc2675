//! Attempts at one call: `which` failures are tried again, and the `waits` between two attempts.

mod waits;
mod which;

use std::time::Duration;

use drawbridge_core::RetryPolicy;
use tonic::Code;

use super::world::{Exchange, World};
use super::{Call, Reading, begin, begin_on};
use crate::{CallOptions, Cause};

/// The first backoff. The second is twice as long.
const BACKOFF: Duration = ms(100);

const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

fn policy(attempts: u32) -> RetryPolicy {
    RetryPolicy::new(attempts, [Code::Unavailable]).with_backoff(BACKOFF, 2.0, ms(10_000))
}

fn retrying(attempts: u32) -> CallOptions {
    CallOptions::new().with_retry(policy(attempts))
}

/// Begins a call, and sends its first attempt.
fn first_attempt(world: &World, options: CallOptions) -> Call {
    let mut call = begin(world, options);
    assert!(call.run().is_none());
    call
}

/// Fails an attempt by a head that holds the status, with these headers besides.
fn fail_with(exchange: &Exchange, headers: &[(&'static str, &str)]) {
    let status = [
        ("content-type", "application/grpc-web+proto"),
        ("grpc-status", "14"),
        ("grpc-message", "no room here"),
    ];
    exchange.answer(200, &[&status, headers].concat()).cut();
}

fn fail(exchange: &Exchange) {
    fail_with(exchange, &[]);
}

/// Checks that the call waits for exactly this long before its attempt of this number.
#[track_caller]
fn assert_waits(world: &World, call: &mut Call, wait: Duration, number: usize) {
    assert!(call.run().is_none());
    world.advance(wait.checked_sub(ms(1)).expect("a wait"));
    assert!(call.run().is_none());
    world.attempt(number - 1);
    world.advance(ms(1));
    assert!(call.run().is_none());
    world.attempt(number);
}

/// Ends the call with the answer to its last attempt, which is the server's own failure.
#[track_caller]
fn assert_fails(world: &World, call: Call, number: usize) {
    let status = call.output().unwrap_err();
    assert_eq!((status.code(), Cause::of(&status)), (Code::Unavailable, None));
    assert_eq!(status.message(), "no room here");
    world.attempt(number);
    assert!(world.is_quiet());
}
