//! Connections to one database, each used by one lookup at a time.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use deadpool::unmanaged;
use drawbridge::CallContext;
use rusqlite::{Connection, ErrorCode};
use tracing::Span;

use super::connection::set_up;
use super::interrupt::InterruptFlag;

/// How many lookups run at a time. Each uses a connection and a thread; further ones wait.
pub(super) const CONNECTIONS: usize = 4;

/// Why a lookup failed.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// Another program has locked the database.
    #[error("the user directory is busy")]
    Busy,
    /// The database cannot be read.
    #[error("the user directory is broken")]
    Broken(#[source] rusqlite::Error),
    /// The lookup was interrupted, because its future was dropped.
    #[error("the lookup was interrupted")]
    Interrupted,
    /// The thread of the lookup ended without a result.
    #[error("the thread of the lookup ended without a result")]
    Lost,
}

impl From<rusqlite::Error> for LookupError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::OperationInterrupted) => Self::Interrupted,
            _ => Self::Broken(error),
        }
    }
}

/// A pool of connections. Cloning it gives another handle to the same pool.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    available: unmanaged::Pool<Connection>,
    /// A database in memory lives as long as one connection to it.
    _first: Arc<Mutex<Connection>>,
}

impl Pool {
    /// Opens connections to the database that `first` is connected to.
    pub(super) fn new(path: &Path, first: Connection) -> rusqlite::Result<Self> {
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let connection = Connection::open(path)?;
            set_up(&connection)?;
            connection.pragma_update(None, "query_only", true)?;
            connections.push(connection);
        }
        Ok(Self { available: unmanaged::Pool::from(connections), _first: Arc::new(Mutex::new(first)) })
    }

    /// Runs a lookup on an available connection, on a blocking thread.
    ///
    /// Dropping the future cancels the lookup while it waits for a connection or a thread, and interrupts its statement. The
    /// connection becomes available when the statement has stopped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        lookup: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LookupError> {
        let connection = self.available.get().await.map_err(|_| LookupError::Lost)?;
        let flag = InterruptFlag::default();
        let _guard = flag.set_on_drop();
        let activity = CallContext::current().map(|call| call.activity("query"));
        let span = Span::current();
        let lookup = tokio::task::spawn_blocking(move || {
            let _entered = span.entered();
            // Recorded until the thread is done, which may be later than the end of the call.
            let _activity = activity;
            let started = Instant::now();
            let result = flag.run(|| lookup(&connection)).map_err(LookupError::from);
            if let Err(LookupError::Interrupted) = &result {
                tracing::info!(after_ms = started.elapsed().as_millis(), "lookup stopped");
            }
            result
        });
        lookup.await.map_err(|_| LookupError::Lost)?
    }

    /// Returns the number of connections that no lookup uses.
    #[cfg(test)]
    pub(super) fn available(&self) -> usize {
        self.available.status().available
    }
}
