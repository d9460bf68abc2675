//! What a call reports of the address that it was sent to.

use std::sync::Arc;
use std::time::Instant;

use drawbridge_core::EndReason;
use http::HeaderValue;
use tonic::Code;

use super::connection::Connection;
use super::health::{Health, Outcome};
use crate::call::{CallContext, now};

/// Reports how a call fares to the health of its address. Only calls that have a choice of addresses have one.
pub(super) struct Report {
    health: Arc<Health>,
    sent: Instant,
    /// How often something was received from the address when the call was sent.
    received: usize,
    is_probe: bool,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Answered,
    Ended,
}

impl Report {
    /// Begins the report of a call that is about to be sent. `is_probe`: it probes an address that was ejected.
    pub(super) fn begin(connection: &Connection, now: Instant, is_probe: bool) -> Self {
        let health = Arc::clone(&connection.health);
        health.sent(now);
        Self { health, sent: now, received: connection.received(), is_probe, stage: Stage::Waiting }
    }

    /// Reports that the response has begun.
    pub(super) fn answered(&mut self, now: Instant) {
        if self.stage == Stage::Waiting {
            self.health.answered(now, now.saturating_duration_since(self.sent));
            self.stage = Stage::Answered;
        }
    }

    /// Reports how the call has ended.
    pub(super) fn ended(&mut self, outcome: Outcome) {
        match self.stage {
            Stage::Waiting => self.health.withdrawn(),
            Stage::Answered => {}
            Stage::Ended => return,
        }
        self.stage = Stage::Ended;
        self.health.ended(now, outcome);
        if self.is_probe && outcome == Outcome::Unknown {
            self.health.probe_withdrawn(now());
        }
    }

    /// Reports that the call was dropped after it was sent.
    pub(super) fn dropped(&mut self, connection: &Connection) {
        if self.stage == Stage::Waiting {
            self.stage = Stage::Ended;
            let now = now();
            let waited = now.saturating_duration_since(self.sent);
            let is_silent = connection.received() == self.received;
            self.health.unanswered(now, waited, is_silent && deadline_has_passed());
            if self.is_probe {
                self.health.probe_withdrawn(now);
            }
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.ended(Outcome::Unknown);
    }
}

/// Returns what the status of a response says of the address that sent it. A response without one is a failure.
pub(super) fn outcome_of(status: Option<&HeaderValue>) -> Outcome {
    match status.map(|status| Code::from_bytes(status.as_bytes())) {
        None | Some(Code::Unavailable) => Outcome::Failed,
        Some(Code::ResourceExhausted) => Outcome::Overloaded,
        Some(_) => Outcome::Succeeded,
    }
}

/// Returns whether the current call had its time. A caller with a timer of its own cancels it shortly before the bridge would.
fn deadline_has_passed() -> bool {
    let Some(context) = CallContext::current() else { return false };
    matches!(context.end_reason(), Some(EndReason::DeadlineExceeded { .. }))
        || context
            .deadline()
            .is_some_and(|deadline| context.elapsed() >= deadline.granted().duration().mul_f64(0.9))
}
