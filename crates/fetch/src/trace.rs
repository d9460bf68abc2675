//! What became of a call, attempt by attempt.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drawbridge_core::Deadline;
use tonic::Status;

/// Writes down what becomes of one call and of each attempt at it. It is given to the call by
/// [`CallOptions::with_trace`](crate::CallOptions::with_trace), and can be read at any time.
///
/// Clones are one trace. A call that begins with a trace that was used before starts it anew.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Traced>>);

/// What a [`Trace`] has written down. Times are readings of the page's clock (`now`).
#[derive(Clone, Debug, Default)]
pub struct Traced {
    /// When the call was made.
    pub began: Duration,
    /// The whole time that it was given, if that is limited.
    pub granted: Option<Duration>,
    /// The attempts, in their order. None where the call ended before anything was sent.
    pub attempts: Vec<Attempt>,
    /// When the call ended, and with which status; none while it is open. The code is `OK` where it ended well. A call
    /// that was dropped ends `CANCELLED`.
    pub end: Option<(Duration, Status)>,
}

/// One attempt at a call.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When its request was sent.
    pub started: Duration,
    /// When it ended, and with which status; none while it is under way.
    pub end: Option<(Duration, Status)>,
    /// The wait that followed from its failure, if another attempt was to be made.
    pub backoff: Option<Backoff>,
}

/// A wait between two attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// How long it was meant to be.
    pub planned: Duration,
    /// Whether it was not begun, because the call's deadline comes before its end.
    pub skipped: bool,
}

impl Trace {
    /// Creates a trace of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what was written down so far.
    pub fn read(&self) -> Traced {
        self.lock().clone()
    }

    pub(crate) fn begin(&self, now: Duration, deadline: Option<Deadline<Duration>>) {
        let granted = deadline.map(|deadline| deadline.granted().duration());
        *self.lock() = Traced { began: now, granted, ..Traced::default() };
    }

    pub(crate) fn attempt_began(&self, now: Duration) {
        self.lock().attempts.push(Attempt { started: now, end: None, backoff: None });
    }

    pub(crate) fn attempt_failed(&self, now: Duration, status: &Status, backoff: Backoff) {
        if let Some(attempt) = self.lock().attempts.last_mut() {
            attempt.end = Some((now, status.clone()));
            attempt.backoff = Some(backoff);
        }
    }

    /// Writes down the end of the call, and of the attempt under way. What comes after the end changes nothing.
    pub(crate) fn end(&self, now: Duration, status: &Status) {
        let mut traced = self.lock();
        if traced.end.is_some() {
            return;
        }
        let end = Some((now, status.clone()));
        if let Some(attempt) = traced.attempts.last_mut()
            && attempt.end.is_none()
        {
            attempt.end.clone_from(&end);
        }
        traced.end = end;
    }

    fn lock(&self) -> MutexGuard<'_, Traced> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
