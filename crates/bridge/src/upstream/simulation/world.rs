//! What has happened in a simulation.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drawbridge_core::EndReason;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::plan::Plan;

/// The precision of timers.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// A simulation that runs: its plan, and what has happened so far.
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) start: Instant,
    log: Mutex<Log>,
    calls: Mutex<Vec<CallRecord>>,
    /// When a server, or one of its connections, has changed what it does.
    changes: Mutex<Vec<(usize, Instant)>>,
    /// Notified at each event.
    pub(super) event: Notify,
}

#[derive(Default)]
struct Log {
    lines: Vec<String>,
    violations: Vec<String>,
}

/// What has happened to a call.
#[derive(Clone, Debug, Default)]
pub(super) struct CallRecord {
    /// When its caller has called.
    pub(super) called: Option<Instant>,
    /// What the servers have seen of it.
    pub(super) attempts: Vec<Attempt>,
    /// Its ends, of which there should be one.
    pub(super) ends: Vec<(Instant, EndReason)>,
    /// What its caller has received.
    pub(super) outcome: Option<(Instant, Outcome)>,
}

/// What a caller has received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Status(u16),
    /// The caller has left before.
    Left,
}

/// A call as a server has seen it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) server: usize,
    /// How many attempts preceded it, as its headers say.
    pub(super) previous: u32,
    /// How the server has begun to answer, and when.
    pub(super) answered: Option<(Instant, Answered)>,
    /// Whether the server had stopped then: what it sends arrives later, or never.
    pub(super) is_delayed: bool,
}

/// How a server has begun to answer a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// With the head of a response that is not its end.
    Head,
    /// With a status and nothing else. The pushback in milliseconds is negative if it forbids retries.
    Status(u16, Option<i32>),
    /// With a reset before the head. It has not processed the call.
    Refused,
    /// With a reset before the head that has this code for the caller.
    Reset(u16),
}

impl World {
    pub(super) fn new(plan: Plan) -> Self {
        let calls = plan.calls.iter().map(|_| CallRecord::default()).collect();
        Self {
            plan,
            start: Instant::now(),
            log: Mutex::default(),
            calls: Mutex::new(calls),
            changes: Mutex::default(),
            event: Notify::new(),
        }
    }

    /// Returns a time of the plan.
    pub(super) fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    /// Records that a server, or one of its connections, changes what it does: what it sends at this time may not arrive.
    pub(super) fn changed(&self, server: usize) {
        lock(&self.changes).push((server, Instant::now()));
    }

    /// Returns whether a server has changed what it does at this time.
    pub(super) fn has_changed_at(&self, server: usize, at: Instant) -> bool {
        lock(&self.changes).contains(&(server, at))
    }

    /// Logs an event.
    pub(super) fn log(&self, event: fmt::Arguments<'_>) {
        self.event.notify_one();
        self.write(event);
    }

    fn write(&self, event: fmt::Arguments<'_>) {
        let time = self.start.elapsed().as_secs_f64();
        let mut log = lock(&self.log);
        log.lines.push(format!("{time:>9.3} {event}"));
        assert!(log.lines.len() < 200_000, "seed {}: the simulation does not end", self.plan.seed);
    }

    /// Records that something has happened that must not happen.
    pub(super) fn violated(&self, what: fmt::Arguments<'_>) {
        self.write(format_args!("VIOLATION: {what}"));
        lock(&self.log).violations.push(what.to_string());
    }

    /// Records that something must not happen unless this holds.
    pub(super) fn check(&self, holds: bool, what: fmt::Arguments<'_>) {
        if !holds {
            self.violated(what);
        }
    }

    pub(super) fn calls(&self) -> MutexGuard<'_, Vec<CallRecord>> {
        lock(&self.calls)
    }

    /// Returns all events, and the violations.
    pub(super) fn take_log(&self) -> (Vec<String>, Vec<String>) {
        let log = std::mem::take(&mut *lock(&self.log));
        (log.lines, log.violations)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
