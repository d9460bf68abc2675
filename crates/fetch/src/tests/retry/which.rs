//! Which failures are tried again.

use drawbridge_core::RetryPolicy;
use tonic::{Code, Status};

use super::super::world::{World, frame};
use super::{BACKOFF, Reading, assert_fails, assert_waits, fail, first_attempt, ms, retrying};
use crate::{CallOptions, CancelHandle, Cause};

#[test]
fn a_failure_is_tried_again_until_it_is_none() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(3));
    fail(&world.attempt(1));
    assert_waits(&world, &mut call, BACKOFF, 2);
    fail(&world.attempt(2));
    assert_waits(&world, &mut call, 2 * BACKOFF, 3);
    world.attempt(3).accept().message("+").end("grpc-status: 0\r\n");
    assert_eq!(Reading::of(call).rest().0, ["+"]);
    assert!(world.is_quiet());
}

#[test]
fn the_last_failure_is_that_of_the_call() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(2));
    fail(&world.attempt(1));
    assert_waits(&world, &mut call, BACKOFF, 2);
    fail(&world.attempt(2));
    assert_fails(&world, call, 2);
}

#[test]
fn without_a_policy_nothing_is_tried_again() {
    for options in [CallOptions::new(), CallOptions::new().without_retry(), retrying(1)] {
        let world = World::default();
        let call = first_attempt(&world, options);
        fail(&world.exchange());
        assert_fails(&world, call, 1);
    }
}

#[test]
fn another_code_is_not_tried_again() {
    let world = World::default();
    let call = first_attempt(&world, retrying(3));
    world.exchange().accept().end("grpc-status: 5\r\n");
    assert_eq!(Reading::of(call).status().code(), Code::NotFound);
    assert!(world.is_quiet());
}

#[test]
fn a_status_in_the_trailers_frame_is_tried_again_like_one_in_the_head() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(3));
    world.attempt(1).accept().end("grpc-status: 14\r\n");
    assert_waits(&world, &mut call, BACKOFF, 2);
    // Not waited for to end either: the server has said what there is to say.
    world.attempt(2).accept().chunk(frame(0x80, b"grpc-status: 14\r\n"));
    assert_waits(&world, &mut call, 2 * BACKOFF, 3);
    assert!(!world.attempt(3).is_aborted());
}

#[test]
fn what_is_left_of_a_failed_attempt_is_stopped_before_the_wait() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(2));
    world.exchange().accept().chunk(frame(0x80, b"grpc-status: 14\r\n"));
    assert!(call.run().is_none());
    assert!(world.exchange().is_aborted());
}

#[test]
fn the_first_message_commits() {
    let world = World::default();
    let call = first_attempt(&world, retrying(3));
    world.exchange().accept().message("+").end("grpc-status: 14\r\n");
    let mut reading = Reading::of(call);
    assert_eq!(reading.next().unwrap().unwrap(), "+");
    assert_eq!(reading.status().code(), Code::Unavailable);
    world.exchange();
}

#[test]
fn a_message_that_has_begun_commits() {
    let world = World::default();
    let call = first_attempt(&world, retrying(3));
    world.exchange().accept().chunk(vec![0]);
    let mut reading = Reading::of(call);
    assert!(reading.is_waiting());
    world.exchange().reset();
    assert_eq!(reading.status().code(), Code::Unavailable);
    world.exchange();
}

#[test]
fn the_head_alone_does_not_commit_and_is_given_at_once_only_without_retries() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(2));
    world.attempt(1).accept();
    assert!(call.run().is_none());
    world.attempt(1).reset();
    assert_waits(&world, &mut call, BACKOFF, 2);

    let world = World::default();
    let call = first_attempt(&world, CallOptions::new());
    world.exchange().accept();
    assert!(Reading::of(call).is_waiting());
}

#[test]
fn an_empty_stream_is_a_success() {
    let world = World::default();
    let call = first_attempt(&world, retrying(3));
    world.exchange().accept().end("grpc-status: 0\r\n");
    assert!(Reading::of(call).next().is_none());
    assert!(!world.exchange().is_aborted() && world.is_quiet());
}

#[test]
fn a_verdict_that_is_not_tried_again_is_read_to_its_end() {
    let world = World::default();
    let call = first_attempt(&world, retrying(3));
    world.exchange().accept().chunk(frame(0x80, b"grpc-status: 5\r\n"));
    let mut reading = Reading::of(call);
    assert!(reading.is_waiting());
    world.exchange().chunk(vec![0]);
    assert_eq!(Cause::of(&reading.status()), Some(Cause::Protocol), "nothing may follow the trailers");
}

#[test]
fn a_request_that_could_not_be_sent_is_tried_again() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(2));
    world.attempt(1).reset();
    assert_waits(&world, &mut call, BACKOFF, 2);
    world.attempt(2).reset();
    let status = call.output().unwrap_err();
    assert_eq!(Cause::of(&status), Some(Cause::Unreachable { offline: false }));
}

#[test]
fn a_proxy_that_has_no_server_is_tried_again() {
    let world = World::default();
    let mut call = first_attempt(&world, retrying(2));
    world.attempt(1).answer(503, &[("content-type", "text/html")]).cut();
    assert_waits(&world, &mut call, BACKOFF, 2);
}

/// Also where the codes of the policy would allow it.
#[test]
fn what_this_side_ends_is_never_tried_again() {
    type End = fn(&World, &CancelHandle);
    let all = || RetryPolicy::new(5, [Code::Cancelled, Code::DeadlineExceeded, Code::Unavailable]);
    let ends: [(End, Cause); 3] = [
        (|_, cancel| cancel.cancel(), Cause::Cancelled),
        (|world, _| world.leave(), Cause::PageLeft),
        (|world, _| world.advance(ms(250)), Cause::DeadlineExceeded),
    ];
    for (end, cause) in ends {
        let (world, cancel) = (World::default(), CancelHandle::new());
        let options = CallOptions::new().with_retry(all()).with_cancel(&cancel).with_timeout(ms(250));
        let call = first_attempt(&world, options);
        end(&world, &cancel);
        assert_eq!(Cause::of(&call.output().unwrap_err()), Some(cause));
        world.attempt(1);
    }
}

#[test]
fn a_failure_keeps_what_the_server_sent_with_it() {
    let world = World::default();
    let call = first_attempt(&world, retrying(3));
    world.exchange().answer(
        200,
        &[("content-type", "application/grpc-web+proto"), ("grpc-status", "9"), ("x-why", "state")],
    );
    world.exchange().cut();
    let status: Status = call.output().unwrap_err();
    assert_eq!(status.metadata().get("x-why").unwrap(), "state");
}
