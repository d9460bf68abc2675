//! The stream that a call has on a connection.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::connection::{Connection, Slot};
use super::failure::Failure;
use super::pool::{Acquired, Pool};

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
    /// Leases a stream, and waits for one if there is none. Dropping the future leaves the queue.
    ///
    /// # Errors
    ///
    /// Returns an error if the queue is full, if there is no stream in time, or if no connection can be opened.
    pub(super) async fn acquire(pool: &Arc<Pool>) -> Result<Self, Failure> {
        let slot = match pool.acquire()? {
            Acquired::Slot(slot) => slot,
            Acquired::Waiting(receiver) => Waiting { pool, receiver }.wait().await?,
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

    /// Returns why the call failed with an HTTP/2 error.
    pub(super) fn failure(&self, error: &h2::Error) -> Failure {
        self.connection().failure(self.authority(), error)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.slot.release();
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
    async fn wait(mut self) -> Result<Slot, Failure> {
        let pool = self.pool;
        match timeout(pool.max_wait, &mut self.receiver).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Failure::unavailable("the server is shutting down")),
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
