//! What ends a call from this side, besides its deadline.

use std::time::Duration;

use tonic::{Code, Status};

use super::world::World;
use super::{Reading, begin};
use crate::{CallOptions, CancelHandle, Cause};

fn streaming(world: &World, options: CallOptions) -> Reading {
    let mut call = begin(world, options);
    assert!(call.run().is_none());
    world.exchange().accept();
    Reading::of(call)
}

#[track_caller]
fn assert_cancelled(status: &Status, cause: Cause) {
    assert_eq!((status.code(), Cause::of(status)), (Code::Cancelled, Some(cause)));
}

#[test]
fn a_call_that_is_dropped_before_its_answer_is_aborted() {
    let world = World::default();
    let mut call = begin(&world, CallOptions::new().with_timeout(Duration::from_secs(1)));
    assert!(call.run().is_none());
    assert!(!world.exchange().is_aborted());
    drop(call);
    assert!(world.exchange().is_aborted());
    assert!(world.is_quiet());
}

#[test]
fn a_call_that_is_dropped_with_its_answer_unread_is_aborted() {
    let world = World::default();
    let mut call = begin(&world, CallOptions::new());
    assert!(call.run().is_none());
    world.exchange().accept();
    drop(call);
    assert!(world.exchange().is_aborted());
}

#[test]
fn a_dropped_stream_aborts_the_request() {
    let world = World::default();
    let mut reading = streaming(&world, CallOptions::new());
    world.exchange().message("+");
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    drop(reading);
    assert!(world.exchange().is_aborted());
    assert!(world.is_quiet());
}

#[test]
fn a_handle_cancels_a_call_that_waits_for_its_answer() {
    let (world, cancel) = (World::default(), CancelHandle::new());
    let mut call = begin(&world, CallOptions::new().with_cancel(&cancel));
    assert!(call.run().is_none());
    cancel.cancel();
    assert!(world.exchange().is_aborted());
    assert_cancelled(&call.output().unwrap_err(), Cause::Cancelled);
}

#[test]
fn a_handle_cancels_a_stream_which_ends_with_one_status() {
    let (world, cancel) = (World::default(), CancelHandle::new());
    let mut reading = streaming(&world, CallOptions::new().with_cancel(&cancel));
    assert!(reading.is_waiting());
    cancel.cancel();
    assert!(world.exchange().is_aborted());
    assert_cancelled(&reading.status(), Cause::Cancelled);
}

#[test]
fn a_handle_that_was_used_sends_no_request() {
    let (world, cancel) = (World::default(), CancelHandle::new());
    cancel.cancel();
    let call = begin(&world, CallOptions::new().with_cancel(&cancel));
    assert_cancelled(&call.output().unwrap_err(), Cause::Cancelled);
    assert!(world.sent_nothing());
}

#[test]
fn leaving_the_page_aborts_every_call_at_once() {
    let world = World::default();
    let mut reading = streaming(&world, CallOptions::new());
    assert!(reading.is_waiting());
    // No task runs any more in a page that was left: the abort must not wait for one.
    world.leave();
    assert!(world.exchange().is_aborted());
    assert_cancelled(&reading.status(), Cause::PageLeft);
    assert!(world.is_quiet());
}

#[test]
fn the_first_reason_is_the_one_that_is_told() {
    let (world, cancel) = (World::default(), CancelHandle::new());
    let options = CallOptions::new().with_cancel(&cancel).with_timeout(Duration::from_secs(1));
    let mut reading = streaming(&world, options);
    world.leave();
    cancel.cancel();
    world.advance(Duration::from_secs(1));
    assert_cancelled(&reading.status(), Cause::PageLeft);
}

#[test]
fn a_call_that_has_ended_is_not_cancelled() {
    let (world, cancel) = (World::default(), CancelHandle::new());
    let mut reading = streaming(&world, CallOptions::new().with_cancel(&cancel));
    world.exchange().end("grpc-status: 0\r\n");
    assert!(reading.next().is_none());
    cancel.cancel();
    world.leave();
    drop(reading);
    assert!(!world.exchange().is_aborted());
}
