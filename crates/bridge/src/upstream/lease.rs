//! The stream that a call has on a connection.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::time::{sleep_until, timeout};

use super::connection::Connection;
use super::failure::{Failure, was_refused};
use super::health::{Health, Outcome};
use super::pool::{Acquired, Pool};
use super::slot::Slot;

/// A stream of a connection, leased to one call. Dropping it returns the stream to the pool.
pub(super) struct Lease {
    pub(super) pool: Arc<Pool>,
    slot: Slot,
    /// Decides whether a drop resets the stream.
    pub(super) stage: Stage,
}

/// The progress of a call on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing was sent.
    Unsent,
    /// The upstream has not responded.
    Sent,
    /// The upstream is responding.
    Responding,
    /// The response is complete or has failed.
    Finished,
}

impl Lease {
    /// Leases a stream, and waits for one if there is none. Dropping the future leaves the queue. `avoid`: an address that is taken
    /// only if there is no other.
    ///
    /// # Errors
    ///
    /// Returns an error if the queue is full, if there is no stream in time, or if no connection can be opened.
    pub(super) async fn acquire(
        pool: &Arc<Pool>,
        avoid: Option<&Arc<Health>>,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> Result<Self, Failure> {
        let slot = match pool.acquire(avoid, deadline)? {
            Acquired::Slot(slot) => slot,
            // Boxed, so that the future of a call that does not wait has no room for it.
            Acquired::Waiting { receiver, retry_at } => {
                Box::pin(Waiting { pool, receiver }.wait(retry_at)).await?
            }
        };
        Ok(Self { pool: Arc::clone(pool), slot, stage: Stage::Unsent })
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        self.slot.connection()
    }

    /// Returns the host and port of the server.
    pub(super) fn authority(&self) -> &str {
        self.pool.address(self.connection()).authority.as_str()
    }

    /// Records that the response has begun. `now` is called only if it is needed.
    pub(super) fn answered(&mut self, now: impl FnOnce() -> Instant) {
        if let Some(report) = &mut self.slot.report {
            report.answered(now());
        }
    }

    /// Records how the call has ended.
    pub(super) fn ended(&mut self, outcome: Outcome) {
        if let Some(report) = &mut self.slot.report {
            report.ended(outcome);
        }
    }

    /// Returns the address, if there is a choice of addresses.
    pub(super) fn health(&self) -> Option<Arc<Health>> {
        self.slot.report.is_some().then(|| Arc::clone(&self.connection().health))
    }

    /// Records that the upstream has failed the call with an HTTP/2 error, and returns it as a failure.
    pub(super) fn failed(&mut self, error: &h2::Error) -> Failure {
        if let Some(report) = &mut self.slot.report {
            let is_reset = error.is_remote() && error.is_reset();
            report.ended(match error.reason() {
                // It is shutting down, or busy.
                _ if was_refused(error) => Outcome::Unknown,
                Some(h2::Reason::CANCEL) if is_reset => Outcome::Succeeded,
                Some(h2::Reason::ENHANCE_YOUR_CALM) if is_reset => Outcome::Overloaded,
                _ => Outcome::Failed,
            });
        }
        self.connection().failure(self.authority(), error)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.slot.release();
        let connection = Arc::clone(self.slot.connection());
        if self.stage == Stage::Sent
            && let Some(report) = &mut self.slot.report
        {
            report.dropped(&connection);
        }
        let within_budget = match self.stage {
            Stage::Unsent | Stage::Finished => true,
            stage => self.connection().note_reset(stage == Stage::Responding),
        };
        if !within_budget {
            tracing::debug!("retired a connection to an upstream after many resets");
            self.pool.retire(self.connection());
        }
        if self.pool.has_waiting() {
            self.pool.serve_waiting();
        }
    }
}

/// A call in the queue of a pool.
struct Waiting<'a> {
    pool: &'a Arc<Pool>,
    receiver: oneshot::Receiver<Result<Slot, Failure>>,
}

impl Waiting<'_> {
    /// Waits for a stream. `retry_at`: when the next attempt to connect is due.
    async fn wait(mut self, retry_at: Option<Instant>) -> Result<Slot, Failure> {
        let pool = self.pool;
        let receiver = &mut self.receiver;
        let slot = async {
            if let Some(at) = retry_at {
                tokio::select! {
                    biased;
                    slot = &mut *receiver => return slot,
                    () = sleep_until(at.into()) => pool.retry(),
                }
            }
            receiver.await
        };
        match timeout(pool.max_wait, slot).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Failure::unavailable("the server is shutting down")),
            Err(_) if !pool.is_connected() => {
                Err(Failure::unavailable(format!("the upstream was not reached within {:?}", pool.max_wait))
                    .at(pool))
            }
            Err(_) => Err(Failure::resource_exhausted(format!(
                "the upstream accepts no more calls on {} connections, and none has ended within {:?}",
                pool.max_connections(),
                pool.max_wait
            ))
            .at(pool)),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // A stream that was sent before the receiver closed goes to the next call.
        self.receiver.close();
        if let Ok(Ok(slot)) = self.receiver.try_recv() {
            drop(slot);
            self.pool.serve_waiting();
        }
    }
}
