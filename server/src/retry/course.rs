//! What follows from a failed attempt, for whoever makes the attempts of a call.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use drawbridge_core::{Attempts, Deadline, FailedAttempt, RetryDecision, RetryPolicy, Throttle, code_name};
use http::HeaderMap;
use tonic::{Code, Status};

use crate::call::{CallContext, WorkKind, now};

/// A throttle that all calls to a server share.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedThrottle(Arc<Mutex<Throttle>>);

impl SharedThrottle {
    pub(crate) fn new(throttle: Throttle) -> Self {
        Self(Arc::new(Mutex::new(throttle)))
    }

    fn with<R>(&self, f: impl FnOnce(&mut Throttle) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The attempts of a call, in their one deadline.
pub(crate) struct Course<'a> {
    attempts: Attempts<'a>,
    throttle: &'a SharedThrottle,
    /// The call that the attempts serve. It has their waits on its record, and its end is theirs.
    call: Option<&'a CallContext>,
    deadline: Option<Deadline<Instant>>,
}

impl<'a> Course<'a> {
    /// Starts with the first attempt.
    pub(crate) fn new(
        policy: &'a RetryPolicy,
        throttle: &'a SharedThrottle,
        call: Option<&'a CallContext>,
        deadline: Option<Deadline<Instant>>,
    ) -> Self {
        Self { attempts: Attempts::new(policy), throttle, call, deadline }
    }

    /// Returns how many attempts went before the one under way.
    pub(crate) fn previous(&self) -> u32 {
        self.attempts.previous()
    }

    /// Notes that the attempt under way has succeeded, as far as that is known before its answer is read.
    pub(crate) fn succeeded(&self) {
        self.throttle.with(Throttle::on_success);
    }

    /// Decides what follows from the failure of the attempt under way. Only where the request `is_whole` can it be sent
    /// again.
    pub(crate) fn after(&mut self, failed: &Status, is_whole: bool) -> RetryDecision {
        let failure = FailedAttempt::from_status(failed).with_committed(!is_whole);
        let remaining = self.deadline.map(|deadline| deadline.remaining(now()).duration());
        self.throttle.with(|throttle| self.attempts.after(failure, remaining, rand::random(), throttle))
    }

    /// Waits between two attempts, or until the call has ended, which ends the next attempt before it is sent.
    pub(crate) async fn wait(&self, planned: Duration) {
        let Some(call) = self.call else { return tokio::time::sleep(planned).await };
        let _backoff = call.work(WorkKind::Backoff { planned });
        tokio::select! {
            () = tokio::time::sleep(planned) => {}
            _ = call.cancelled() => {}
        }
    }

    /// Returns the status of a call whose next attempt would come too late.
    pub(crate) fn out_of_time(&self, planned: Duration, last: &Status) -> Status {
        // On record as a wait that ended when it began.
        drop(self.call.map(|call| call.work(WorkKind::Backoff { planned })));
        Status::deadline_exceeded(format!(
            "the next attempt would come after {planned:?}, and the deadline before it; the last one failed with {}: {}",
            code_name(last.code()),
            last.message()
        ))
    }
}

/// Returns the status of an answer that is nothing else (trailers-only), where that is a failure. Any other head commits
/// the call to its attempt.
pub(crate) fn failure_in(head: &HeaderMap) -> Option<Status> {
    Status::from_header_map(head).filter(|status| status.code() != Code::Ok)
}
