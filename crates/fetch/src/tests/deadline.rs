//! The deadline that this side keeps.

use std::time::Duration;

use drawbridge_core::Deadline;
use tonic::{Code, Status};
use tower::Service as _;

use super::task::Task;
use super::world::{World, frame};
use super::{Reading, begin};
use crate::service::Client;
use crate::{CallOptions, Cause};

const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

fn limited(world: &World, timeout: Duration) -> super::Call {
    let mut call = begin(world, CallOptions::new().with_timeout(timeout));
    assert!(call.run().is_none());
    call
}

fn streaming(world: &World, timeout: Duration) -> Reading {
    let call = limited(world, timeout);
    world.exchange().accept();
    Reading::of(call)
}

#[track_caller]
fn assert_exceeded(status: &Status, granted: &str) {
    assert_eq!((status.code(), Cause::of(status)), (Code::DeadlineExceeded, Some(Cause::DeadlineExceeded)));
    assert!(status.message().contains(granted), "{status}");
}

#[test]
fn a_past_deadline_sends_no_request() {
    let world = World::default();
    world.sleep(ms(100));
    let past = Deadline::after(ms(0), ms(50).into()).unwrap();
    for options in [CallOptions::new().with_timeout(Duration::ZERO), CallOptions::new().with_deadline(past)] {
        assert_exceeded(&begin(&world, options).output().unwrap_err(), "");
    }
    assert!(world.sent_nothing());
    assert!(world.is_quiet());
}

#[test]
fn time_that_is_up_before_the_call_is_polled_sends_no_request() {
    let world = World::default();
    let mut client =
        Client { defaults: CallOptions::new().with_timeout(ms(250)), ..Client::new(world.clone()) };
    let call = client.call(http::Request::new(tonic::body::Body::empty()));
    world.advance(ms(250));
    assert_exceeded(&Task::spawn(call).output().err().unwrap(), "250ms");
    assert!(world.sent_nothing());
}

#[test]
fn a_server_that_never_answers_is_given_up_on_time() {
    let world = World::default();
    let mut call = limited(&world, ms(250));
    world.advance(ms(249));
    assert!(call.run().is_none());
    world.advance(ms(1));
    assert!(world.exchange().is_aborted());
    assert_exceeded(&call.output().unwrap_err(), "250ms");
}

#[test]
fn a_deadline_after_three_messages_gives_three_messages_and_then_its_status() {
    let world = World::default();
    let mut reading = streaming(&world, ms(250));
    world.exchange().message("+").message("++").message("+++");
    for text in ["+", "++", "+++"] {
        assert_eq!(reading.next().unwrap().unwrap(), text);
    }
    assert!(reading.is_waiting());
    world.advance(ms(250));
    assert_exceeded(&reading.status(), "250ms");
    assert!(world.is_quiet());
}

#[test]
fn the_request_is_aborted_on_time_when_nobody_reads() {
    let world = World::default();
    let mut reading = streaming(&world, ms(250));
    world.exchange().message("+");
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    world.advance(ms(250));
    assert!(world.exchange().is_aborted());
}

#[test]
fn a_verdict_that_was_received_wins() {
    let world = World::default();
    let mut reading = streaming(&world, ms(250));
    world.exchange().chunk(frame(0x80, b"grpc-status: 7\r\n"));
    assert!(reading.is_waiting());
    world.advance(ms(250));
    assert_eq!(reading.status().code(), Code::PermissionDenied);
}

#[test]
fn a_verdict_that_comes_too_late_does_not() {
    let world = World::default();
    let mut reading = streaming(&world, ms(250));
    world.sleep(ms(250));
    world.exchange().end("grpc-status: 0\r\n");
    assert_exceeded(&reading.status(), "250ms");
}

#[test]
fn a_reset_that_races_the_deadline_is_told_as_the_deadline() {
    let world = World::default();
    let mut reading = streaming(&world, ms(250));
    assert!(reading.is_waiting());
    world.sleep(ms(250));
    world.exchange().reset();
    assert_exceeded(&reading.status(), "250ms");

    let world = World::default();
    let call = limited(&world, ms(250));
    world.sleep(ms(250));
    world.exchange().reset();
    assert_exceeded(&call.output().unwrap_err(), "250ms");
}

#[test]
fn a_tab_that_wakes_looks_at_the_clock() {
    let world = World::default();
    let mut reading = streaming(&world, ms(250));
    assert!(reading.is_waiting());
    world.sleep(ms(100));
    world.wake_up();
    assert!(!world.exchange().is_aborted());
    world.sleep(ms(900));
    world.wake_up();
    assert!(world.exchange().is_aborted());
    assert_exceeded(&reading.status(), "250ms");
}

#[test]
fn an_alarm_that_rings_early_is_set_again() {
    let world = World::default();
    let mut reading = streaming(&world, ms(250));
    assert!(reading.is_waiting());
    world.sleep(ms(100));
    world.wake_up();
    world.advance(ms(149));
    assert!(reading.is_waiting());
    world.advance(ms(1));
    assert_exceeded(&reading.status(), "250ms");
}

#[test]
fn no_timeout_is_too_long() {
    let world = World::default();
    let _call = limited(&world, Duration::MAX);
    assert_eq!(world.exchange().headers()["grpc-timeout"], "99999999H");
}

#[test]
fn a_call_that_ended_in_time_is_not_ended_again() {
    let world = World::default();
    let mut reading = streaming(&world, ms(250));
    world.exchange().end("grpc-status: 0\r\n");
    assert!(reading.next().is_none());
    assert!(world.is_quiet());
    world.advance(ms(250));
    assert!(!world.exchange().is_aborted());
}
