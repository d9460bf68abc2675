//! What servers see of a call, and what they must not see.

use std::time::Duration;

use drawbridge_core::Timeout;
use drawbridge_core::headers::{GRPC_PREVIOUS_RPC_ATTEMPTS, GRPC_TIMEOUT, X_REQUEST_ID};
use http::HeaderMap;
use tokio::time::Instant;

use super::plan::Retry;
use super::world::{Answered, Attempt, CallRecord, TICK, World};

/// How often a call is sent that servers refuse without processing it.
const MAX_SENDS: usize = 3;

/// A call that has arrived at a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    pub(super) call: usize,
    attempt: usize,
}

impl Arrived {
    /// Records that a server begins to answer. `is_delayed`: it has stopped.
    pub(super) fn answered(self, world: &World, answered: Answered, is_delayed: bool) {
        let attempt = &mut world.calls()[self.call].attempts[self.attempt];
        world.log(format_args!("server {}: call {} gets {answered:?}", attempt.server, self.call));
        (attempt.answered, attempt.is_delayed) = (Some((Instant::now(), answered)), is_delayed);
    }
}

/// Records that a call has arrived at a server, and checks that it may.
pub(super) fn arrived(world: &World, server: usize, headers: &HeaderMap) -> Option<Arrived> {
    let text = |name: &http::HeaderName| headers.get(name)?.to_str().ok();
    let Some(call) = text(&X_REQUEST_ID).and_then(|id| id.strip_prefix("call-")?.parse::<usize>().ok())
    else {
        world.violated(format_args!("server {server}: a call without its id: {headers:?}"));
        return None;
    };
    let previous = text(&GRPC_PREVIOUS_RPC_ATTEMPTS).map_or(0, |text| text.parse().unwrap_or(u32::MAX));
    let timeout = text(&GRPC_TIMEOUT).map(|text| text.parse::<Timeout>().map(Timeout::duration));
    world.log(format_args!("server {server}: call {call}, after {previous} attempts, with {timeout:?}"));

    let now = Instant::now();
    let (timeout, late) = (timeout.and_then(Result::ok), world.has_changed_at(server, now));
    let mut calls = world.calls();
    let record = &mut calls[call];
    if let (Some(granted), false) = (world.plan.calls[call].timeout, late) {
        let at = record.called.map(|called| called + Duration::from_millis(granted));
        let rest = at.map(|at| at.saturating_duration_since(now) + TICK);
        let holds = timeout.zip(rest).is_some_and(|(timeout, rest)| timeout <= rest);
        world.check(holds, format_args!("call {call} has {rest:?} left and is sent with {timeout:?}"));
    }
    let has_ended = record.ends.first().is_some_and(|(at, _)| *at < now);
    world.check(!has_ended || late, format_args!("call {call} is sent after its end"));
    check_repetition(world, record, call, previous, now);
    record.attempts.push(Attempt { server, previous, answered: None, is_delayed: false });
    Some(Arrived { call, attempt: record.attempts.len() - 1 })
}

/// Checks that a call may arrive again.
fn check_repetition(world: &World, record: &CallRecord, call: usize, previous: u32, now: Instant) {
    let retry = world.plan.retry.as_ref();
    let most = retry.map_or(1, |retry| retry.attempts);
    world.check(previous < most, format_args!("call {call} is attempt {} of {most}", previous + 1));
    for earlier in &record.attempts {
        if let Some((at, Answered::Head)) = arrived_answer(world, earlier) {
            world.check(at >= now, format_args!("call {call} is sent again after its response had begun"));
        }
    }
    let Some(last) = record.attempts.last() else { return };
    world.check(last.previous <= previous, format_args!("call {call} has its attempts in the wrong order"));
    if last.previous == previous {
        let again = record.attempts.iter().filter(|earlier| earlier.previous == previous);
        let was_refused = |earlier: &Attempt| matches!(earlier.answered, Some((_, Answered::Refused)));
        let (sends, all_refused) = (again.clone().count() + 1, again.clone().all(was_refused));
        world.check(all_refused, format_args!("call {call} is sent again after a server has processed it"));
        world.check(sends <= MAX_SENDS, format_args!("call {call} is sent {sends} times in one attempt"));
    } else if let Some(retry) = retry {
        check_retry(world, retry, call, last, now);
    }
}

/// Returns how a call was answered, if the answer has certainly arrived: not if the server had stopped, or stopped or closed a
/// connection at this time.
fn arrived_answer(world: &World, attempt: &Attempt) -> Option<(Instant, Answered)> {
    attempt.answered.filter(|(at, _)| !attempt.is_delayed && !world.has_changed_at(attempt.server, *at))
}

/// Returns the shortest backoff after a failure.
fn least_backoff(retry: &Retry, pushback: Option<i32>) -> Duration {
    match pushback {
        Some(millis) => Duration::from_millis(u64::try_from(millis).unwrap_or_default()),
        None => Duration::from_millis(retry.initial).mul_f64(0.8),
    }
}

/// Checks that a call did not wait for a retry that would have come after its deadline.
pub(super) fn check_last(world: &World, call: usize, record: &CallRecord, deadline: Instant, ended: Instant) {
    let (Some(retry), Some(last)) = (&world.plan.retry, record.attempts.last()) else { return };
    if let Some((at, Answered::Status(code, pushback))) = arrived_answer(world, last)
        && retry.retries(code)
        && pushback.is_none_or(|millis| millis >= 0)
        && least_backoff(retry, pushback) >= deadline.saturating_duration_since(at)
    {
        let is_kept = ended <= at + TICK;
        world.check(is_kept, format_args!("call {call} waited until its deadline for a retry after it"));
    }
}

/// Checks a retry.
fn check_retry(world: &World, retry: &Retry, call: usize, last: &Attempt, now: Instant) {
    let Some((at, answered)) = arrived_answer(world, last) else { return };
    let (code, pushback) = match answered {
        Answered::Status(code, pushback) => (code, pushback),
        Answered::Reset(code) => (code, None),
        Answered::Refused => (14, None),
        Answered::Head => return,
    };
    world.check(retry.retries(code), format_args!("call {call} is retried after {code}"));
    world.check(
        pushback.is_none_or(|ms| ms >= 0),
        format_args!("call {call} is retried against {pushback:?}"),
    );
    let shortest = least_backoff(retry, pushback);
    let waited = now.saturating_duration_since(at);
    world.check(
        waited >= shortest,
        format_args!("call {call} is retried after {waited:?}, and not {shortest:?}"),
    );
}
