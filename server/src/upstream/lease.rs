//! A call's place on a connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::connection::Connection;
use super::failure::Failure;
use super::pool::Pool;

/// A stream of a connection, for one call. Dropping it gives the stream back.
pub(super) struct Lease {
    pub(super) pool: Arc<Pool>,
    pub(super) connection: Arc<Connection>,
    /// How the call stands, which says what dropping this means to the connection.
    pub(super) stage: Stage,
}

/// How far a call on a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing was sent.
    Unsent,
    /// The upstream has not answered.
    Sent,
    /// The upstream answers.
    Answering,
    /// The answer is complete, or has failed.
    Over,
}

impl Lease {
    pub(super) fn new(pool: &Arc<Pool>, connection: Arc<Connection>) -> Self {
        Self { pool: Arc::clone(pool), connection, stage: Stage::Unsent }
    }

    /// Returns the name of the server that the stream goes to.
    pub(super) fn authority(&self) -> &str {
        self.pool.address(&self.connection).authority.as_str()
    }

    /// Returns why the call failed with an error of HTTP/2.
    pub(super) fn failure(&self, error: &h2::Error) -> Failure {
        self.connection.failure(self.authority(), error)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.connection.open.fetch_sub(1, Ordering::Relaxed);
        let borne = match self.stage {
            Stage::Unsent | Stage::Over => true,
            stage => self.connection.note_reset(stage == Stage::Answering),
        };
        if !borne {
            tracing::debug!(
                "took a connection to an upstream out of use, for the calls that were left on it"
            );
            self.pool.retire(&self.connection);
        }
        if self.pool.is_awaited() {
            self.pool.serve_waiting();
        }
    }
}
