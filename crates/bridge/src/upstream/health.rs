//! What the calls to an address say of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ejection::{Ejection, EjectionLimit};
use super::latency::Latency;

/// As which latency a failure counts at least: an address that fails at once would look like the fastest one.
const FAILURE: Duration = Duration::from_secs(1);

/// The latency and the failures of one address. Its calls record them.
#[derive(Debug)]
pub(super) struct Health {
    /// Where it is, for the log.
    name: String,
    /// Whether it is ejected. A copy, to be read without the lock.
    ejected: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    latency: Latency,
    ejection: Ejection,
}

/// How a call to an address has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It says nothing of the address.
    Unknown,
    Succeeded,
    /// The address is overloaded. This counts as slow, and ejects nothing.
    Overloaded,
    /// The address is not available.
    Failed,
}

impl Health {
    pub(super) fn new(name: String, limit: &Arc<EjectionLimit>, now: Instant) -> Self {
        let state = State { latency: Latency::new(now), ejection: Ejection::new(limit) };
        Self { name, ejected: AtomicBool::new(false), state: Mutex::new(state) }
    }

    /// Returns whether calls go to other addresses.
    pub(super) fn is_ejected(&self) -> bool {
        self.ejected.load(Ordering::Relaxed)
    }

    /// Returns how long a call is expected to wait for a response, in seconds.
    pub(super) fn latency(&self, now: Instant) -> f64 {
        self.lock().latency.expected(now)
    }

    /// Returns whether the address is ejected and the next call probes it.
    pub(super) fn begin_probe(&self, now: Instant) -> bool {
        self.is_ejected() && self.lock().ejection.begin_probe(now)
    }

    /// Records that a call is about to be sent. One of [`answered`](Self::answered), [`unanswered`](Self::unanswered) and
    /// [`withdrawn`](Self::withdrawn) must follow.
    pub(super) fn sent(&self, now: Instant) {
        self.lock().latency.sent(now);
    }

    /// Records that the response to a call has begun.
    pub(super) fn answered(&self, now: Instant, took: Duration) {
        let mut state = self.lock();
        state.latency.answered(now, took);
        state.ejection.answered();
        self.publish(&state);
    }

    /// Records that a call was dropped before it was answered. `silent`: its deadline has passed, and nothing was received from
    /// the address since the call was sent.
    pub(super) fn unanswered(&self, now: Instant, waited: Duration, silent: bool) {
        if silent {
            self.lock().latency.abandoned(now, waited);
            self.failed(now);
        } else {
            let mut state = self.lock();
            state.latency.withdrawn();
            // A caller may wait long for an answer that takes long, and cancel.
            state.latency.add(now, waited.min(FAILURE));
        }
    }

    /// Records that a call was not sent, or has failed before it was answered.
    pub(super) fn withdrawn(&self) {
        self.lock().latency.withdrawn();
    }

    /// Records that the probe call has no result.
    pub(super) fn probe_withdrawn(&self, now: Instant) {
        self.lock().ejection.probe_withdrawn(now);
    }

    /// Records that the address has answered a ping.
    pub(super) fn alive(&self) {
        self.lock().latency.alive();
    }

    /// Records how a call has ended.
    pub(super) fn ended(&self, now: impl FnOnce() -> Instant, outcome: Outcome) {
        match outcome {
            Outcome::Unknown => {}
            Outcome::Succeeded => {
                let mut state = self.lock();
                state.ejection.succeeded();
                self.publish(&state);
            }
            Outcome::Overloaded => self.lock().latency.add(now(), FAILURE),
            Outcome::Failed => {
                let now = now();
                self.lock().latency.add(now, FAILURE);
                self.failed(now);
            }
        }
    }

    /// Records a failure, such as a connection that cannot be opened.
    pub(super) fn failed(&self, now: Instant) {
        let ejected = {
            let mut state = self.lock();
            let ejected = state.ejection.failed(now);
            self.publish(&state);
            ejected
        };
        if let Some(time) = ejected {
            tracing::warn!(address = self.name, ?time, "ejected an address of an upstream that fails");
        }
    }

    /// Readmits the address before its time, if it is ejected.
    pub(super) fn readmit(&self) {
        let mut state = self.lock();
        state.ejection.readmit();
        self.publish(&state);
    }

    /// Records that the address was removed. Calls may still be open there.
    pub(super) fn remove(&self) {
        let mut state = self.lock();
        state.ejection.remove();
        self.publish(&state);
    }

    /// Returns how many calls wait for a response.
    #[cfg(test)]
    pub(super) fn unanswered_calls(&self) -> usize {
        self.lock().latency.unanswered()
    }

    fn publish(&self, state: &State) {
        self.ejected.store(state.ejection.is_ejected(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
