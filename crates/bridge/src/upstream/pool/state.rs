//! What changes in a pool.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use crate::upstream::endpoint::Endpoint;
use crate::upstream::endpoints::Endpoints;
use crate::upstream::failure::Failure;
use crate::upstream::health::Health;
use crate::upstream::lookups::Lookups;
use crate::upstream::slot::Slot;
use crate::upstream::warnings::Warnings;

/// What changes in a pool, under its lock.
pub(super) struct State {
    pub(super) endpoints: Endpoints,
    /// The lookups of each server's name.
    pub(super) lookups: Vec<Lookups>,
    /// Whether no address of one of the servers is known.
    pub(super) has_unknown: bool,
    /// The calls that wait for a stream, in the order of their arrival.
    pub(super) waiting: VecDeque<oneshot::Sender<Result<Slot, Failure>>>,
    pub(super) warnings: Warnings,
}

impl State {
    /// Returns whether there is no connection to any server, and nothing is done about it.
    pub(super) fn is_idle(&self) -> bool {
        let is_resolved =
            |(index, lookups): (usize, &Lookups)| !lookups.is_in_progress() || self.endpoints.is_known(index);
        self.endpoints.all_disconnected() && self.lookups.iter().enumerate().all(is_resolved)
    }

    /// Returns whether an address is still to be connected to after a pause: a call waits, or is open on a connection of which this one
    /// takes the place.
    pub(super) fn is_wanted(&mut self, health: &Arc<Health>) -> bool {
        self.has_waiting() || self.endpoints.find(health).is_some_and(|endpoint| !endpoint.pause().is_zero())
    }

    /// Returns whether a call waits for a stream. Calls at the head of the queue that have left are removed.
    pub(super) fn has_waiting(&mut self) -> bool {
        while let Some(first) = self.waiting.front() {
            if !first.is_closed() {
                return true;
            }
            self.waiting.pop_front();
        }
        false
    }

    /// Returns when the next attempt may be made after failures.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        let lookups = self.lookups.iter().filter_map(Lookups::retry_at);
        self.endpoints.next_to_retry().and_then(Endpoint::retry_at).into_iter().chain(lookups).min()
    }
}

/// Fails calls that wait.
pub(super) fn fail_all(waiting: VecDeque<oneshot::Sender<Result<Slot, Failure>>>, failure: Option<Failure>) {
    let Some(failure) = failure else { return };
    for call in waiting {
        // A call that no longer waits needs no failure.
        drop(call.send(Err(failure.clone())));
    }
}
