//! The waits between two attempts: how long they are, and what ends them.

use drawbridge_core::{SharedThrottle, Throttle};
use tonic::Code;

use super::super::world::World;
use super::{
    BACKOFF, Reading, assert_fails, assert_waits, begin_on, fail, fail_with, first_attempt, ms, retrying,
};
use crate::service::Client;
use crate::{CancelHandle, Cause};

#[test]
fn each_attempt_says_how_many_went_before_and_what_is_left() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(3).with_timeout(ms(1_000)));
    let told = |number: usize| {
        let headers = world.attempt(number).headers().clone();
        ["grpc-previous-rpc-attempts", "grpc-timeout"]
            .map(|name| headers.get(name).map(|value| value.to_str().unwrap().to_owned()))
    };
    assert_eq!(told(1), [None, Some("1000000u".to_owned())]);
    world.advance(ms(50));
    fail(&world.attempt(1));
    assert_waits(&world, &mut call, BACKOFF, 2);
    assert_eq!(told(2), [Some("1".to_owned()), Some("850000u".to_owned())]);
    fail(&world.attempt(2));
    assert_waits(&world, &mut call, 2 * BACKOFF, 3);
    assert_eq!(told(3), [Some("2".to_owned()), Some("650000u".to_owned())]);
}

#[test]
fn a_positive_pushback_is_the_wait_and_backoff_starts_again_after_it() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(4));
    fail(&world.attempt(1));
    assert_waits(&world, &mut call, BACKOFF, 2);
    fail_with(&world.attempt(2), &[("grpc-retry-pushback-ms", "700")]);
    assert_waits(&world, &mut call, ms(700), 3);
    fail(&world.attempt(3));
    assert_waits(&world, &mut call, BACKOFF, 4);
}

#[test]
fn a_pushback_is_found_in_the_trailers_frame_too() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(2));
    world.attempt(1).accept().end("grpc-status: 14\r\ngrpc-retry-pushback-ms: 700\r\n");
    assert_waits(&world, &mut call, ms(700), 2);
}

#[test]
fn a_pushback_of_zero_tries_again_at_once() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(2));
    fail_with(&world.attempt(1), &[("grpc-retry-pushback-ms", "0")]);
    assert!(call.run().is_none());
    world.attempt(2);
}

#[test]
fn a_pushback_that_is_negative_or_no_number_stops() {
    for pushback in ["-1", "soon", ""] {
        let world = World::default();
        let call = first_attempt(&world, retrying(3));
        fail_with(&world.exchange(), &[("grpc-retry-pushback-ms", pushback)]);
        assert_fails(&world, call, 1);
    }
}

#[test]
fn a_backoff_that_would_outlast_the_deadline_is_not_begun() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(3).with_timeout(ms(250)));
    fail(&world.attempt(1));
    assert_waits(&world, &mut call, BACKOFF, 2);
    // The second would end at 300 ms.
    fail(&world.attempt(2));
    let status = call.output().unwrap_err();
    assert_eq!((status.code(), Cause::of(&status)), (Code::DeadlineExceeded, Some(Cause::NoTimeToRetry)));
    assert!(status.message().contains("UNAVAILABLE: no room here"), "{status}");
    assert!(status.message().contains("200ms") && status.message().contains("150ms"), "{status}");
    world.attempt(2);
    assert!(world.is_quiet());
}

/// A tab that sleeps wakes up late.
#[test]
fn a_deadline_that_passes_during_a_backoff_ends_the_call() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(3).with_timeout(ms(250)));
    fail(&world.attempt(1));
    assert!(call.run().is_none());
    world.sleep(ms(250));
    world.wake_up();
    let status = call.output().unwrap_err();
    assert_eq!((status.code(), Cause::of(&status)), (Code::DeadlineExceeded, Some(Cause::DeadlineExceeded)));
    world.attempt(1);
}

#[test]
fn the_deadline_is_that_of_the_call_and_not_of_an_attempt() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(3).with_timeout(ms(250)));
    fail(&world.attempt(1));
    assert_waits(&world, &mut call, BACKOFF, 2);
    world.advance(ms(149));
    assert!(call.run().is_none());
    world.advance(ms(1));
    assert!(world.attempt(2).is_aborted());
    assert_eq!(Cause::of(&call.output().unwrap_err()), Some(Cause::DeadlineExceeded));
}

#[test]
fn a_call_that_is_cancelled_in_a_backoff_sends_nothing_more() {
    let (world, cancel) = (World::default(), CancelHandle::new());
    let mut call = first_attempt(&world, retrying(3).with_cancel(&cancel));
    fail(&world.attempt(1));
    assert!(call.run().is_none());
    cancel.cancel();
    world.advance(BACKOFF);
    assert_eq!(Cause::of(&call.output().unwrap_err()), Some(Cause::Cancelled));
    world.attempt(1);
    assert!(world.is_quiet());
}

#[test]
fn a_call_that_is_dropped_in_a_backoff_leaves_nothing_behind() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(3));
    fail(&world.attempt(1));
    assert!(call.run().is_none());
    drop(call);
    assert!(world.is_quiet());
    world.advance(BACKOFF);
    world.attempt(1);
}

#[test]
fn a_server_that_keeps_failing_is_spared() {
    let world = World::default();
    // Of four tokens, the second failure leaves half.
    let throttle = SharedThrottle::new(Throttle::new(4, 1.0));
    let client = || Client { throttle: throttle.clone(), ..Client::new(world.clone()) };
    let mut one = begin_on(client(), retrying(5));
    assert!(one.run().is_none());
    fail(&world.attempt(1));
    assert_waits(&world, &mut one, BACKOFF, 2);
    fail(&world.attempt(2));
    assert_fails(&world, one, 2);

    // Each success gives one back: with all four, there is one to lose again.
    for number in [3, 4] {
        let mut call = begin_on(client(), retrying(5));
        assert!(call.run().is_none());
        world.attempt(number).accept().message("+").end("grpc-status: 0\r\n");
        assert_eq!(Reading::of(call).rest().0, ["+"]);
    }
    let mut call = begin_on(client(), retrying(5));
    assert!(call.run().is_none());
    fail(&world.attempt(5));
    assert_waits(&world, &mut call, BACKOFF, 6);
}
