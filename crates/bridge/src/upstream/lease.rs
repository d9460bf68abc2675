//! A call's place on a connection.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::connection::{Connection, Slot};
use super::failure::Failure;
use super::pool::{Acquired, Pool};

/// A stream of a connection, for one call. Dropping it gives the stream back to the pool.
pub(super) struct Lease {
    pub(super) pool: Arc<Pool>,
    slot: Slot,
    /// How far the call has come, which decides what dropping it means to the connection.
    pub(super) stage: Stage,
}

/// How far a call on a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing was sent.
    Unsent,
    /// The upstream has not responded.
    Sent,
    /// The upstream is responding.
    Responding,
    /// The response is complete, or has failed.
    Over,
}

impl Lease {
    /// Takes a stream for a call, and waits for one if all are taken. Dropping the future leaves the queue.
    ///
    /// # Errors
    ///
    /// Returns what the caller gets if there is none in time, or no connection can be opened.
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

    /// Returns the name of the server that the stream goes to.
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
            Stage::Unsent | Stage::Over => true,
            stage => self.connection().note_reset(stage == Stage::Responding),
        };
        if !within_budget {
            tracing::debug!("took a connection to an upstream out of use after many resets");
            self.pool.retire(self.connection());
        }
        if self.pool.is_awaited() {
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
            Err(_) => Err(Failure::exhausted(format!(
                "the upstream {pool} accepts no more calls on {} connections, and none has ended within {:?}",
                pool.max_connections(),
                pool.max_wait
            ))),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // A stream that was sent to a call which waits no longer goes to the next one.
        self.receiver.close();
        if let Ok(Ok(slot)) = self.receiver.try_recv() {
            drop(slot);
            self.pool.serve_waiting();
        }
    }
}
