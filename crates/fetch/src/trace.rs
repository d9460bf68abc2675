//! A record of a call and its attempts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use drawbridge_core::Deadline;
use tonic::Status;

/// Records one call and each of its attempts. Set it with [`CallOptions::with_trace`](crate::CallOptions::with_trace),
/// and read it at any time.
///
/// Clones are the same trace. A call that starts with a used trace overwrites it, except the calls of a
/// [`Reconnecting`](crate::Reconnecting) stream, which are recorded as attempts of one call.
///
/// ```
/// use drawbridge_fetch::{RequestExt as _, Trace};
///
/// let trace = Trace::new();
/// let request = tonic::Request::new("hello").with_trace(&trace);
/// // After the call:
/// for attempt in trace.read().attempts {
///     println!("sent at {:?}, ended: {:?}", attempt.started, attempt.end);
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Traced>>);

/// What a [`Trace`] has recorded. Times are those of [`now`](crate::now).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Traced {
    /// When the call started.
    pub began: Duration,
    /// The timeout of the call, if it has a deadline.
    pub granted: Option<Duration>,
    /// The attempts in their order. Empty if the call ended before a request was sent.
    pub attempts: Vec<Attempt>,
    /// When and with which status the call ended. `None` while it is open. The code of a successful call is `OK`. A call
    /// that was dropped has `CANCELLED`.
    pub end: Option<(Duration, Status)>,
    /// Whether the next call is a further attempt of this one.
    resumes: bool,
}

/// One attempt of a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// When its request was sent.
    pub started: Duration,
    /// When and with which status it ended. `None` while it is open.
    pub end: Option<(Duration, Status)>,
    /// The backoff after its failure, if the policy allowed another attempt.
    pub backoff: Option<Backoff>,
}

/// The time between two attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// How long it was to be.
    pub planned: Duration,
    /// Whether it was skipped because the deadline would have passed first. The call then ended.
    pub skipped: bool,
}

impl Attempt {
    /// Creates an attempt that is open.
    pub fn new(started: Duration) -> Self {
        Self { started, end: None, backoff: None }
    }
}

impl Backoff {
    /// Creates a backoff of this length.
    pub fn new(planned: Duration) -> Self {
        Self { planned, skipped: false }
    }

    /// Marks the backoff as skipped.
    #[must_use]
    pub fn skipped(self) -> Self {
        Self { skipped: true, ..self }
    }
}

impl Trace {
    /// Creates an empty trace.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what has been recorded so far.
    pub fn read(&self) -> Traced {
        self.lock().clone()
    }

    pub(crate) fn begin(&self, now: Duration, deadline: Option<Deadline<Duration>>) {
        let granted = deadline.map(|deadline| deadline.granted().duration());
        let mut traced = self.lock();
        if std::mem::take(&mut traced.resumes) {
            return;
        }
        *traced = Traced { began: now, granted, ..Traced::default() };
    }

    pub(crate) fn attempt_started(&self, now: Duration) {
        self.lock().attempts.push(Attempt::new(now));
    }

    pub(crate) fn attempt_failed(&self, now: Duration, status: &Status, backoff: Backoff) {
        if let Some(attempt) = self.lock().attempts.last_mut() {
            attempt.end.get_or_insert_with(|| (now, status.clone()));
            attempt.backoff = Some(backoff);
        }
    }

    /// Makes the next call a further attempt of this one, which is open until then.
    pub(crate) fn resume(&self) {
        let mut traced = self.lock();
        traced.end = None;
        traced.resumes = true;
    }

    /// Records the end of the call and of its open attempt. Does nothing after an earlier end.
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
