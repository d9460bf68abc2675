//! Several connections to one database, each used by one lookup at a time.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::unmanaged;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, ErrorCode};
use tracing::Span;

use super::stop::{self, Stop, StopOnDrop};
use drawbridge::CallContext;

/// How many lookups run at a time. Each holds a connection and a thread; further ones wait.
pub(super) const CONNECTIONS: usize = 4;

/// How often a lookup asks again for a file that another program has locked, and how long it waits in between.
const BUSY_TRIES: i32 = 50;
const BUSY_WAIT: Duration = Duration::from_millis(10);

/// After how many steps of SQLite's machine a statement looks whether it shall stop.
const STEPS: i32 = 10;

/// Why a lookup gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// Another program has locked the database.
    #[error("the user directory is busy")]
    Busy,
    /// The database cannot be read.
    #[error("the user directory is broken")]
    Broken(#[source] rusqlite::Error),
    /// Nobody waited for the lookup any more, so it was stopped.
    #[error("the lookup was stopped")]
    Stopped,
    /// The thread of the lookup has ended without an answer.
    #[error("the lookup was lost")]
    Lost,
}

impl From<rusqlite::Error> for LookupError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::OperationInterrupted) => Self::Stopped,
            _ => Self::Broken(error),
        }
    }
}

/// The connections. Cloning it gives another handle to the same.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    free: unmanaged::Pool<Connection>,
    /// A database in memory lives as long as one connection to it.
    _keep: Arc<std::sync::Mutex<Connection>>,
}

impl Pool {
    /// Opens the connections to the database that `first` is connected to.
    pub(super) fn new(path: &Path, first: Connection) -> rusqlite::Result<Self> {
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let connection = Connection::open(path)?;
            set_up(&connection)?;
            // Lookups read, and nothing else.
            connection.pragma_update(None, "query_only", true)?;
            connections.push(connection);
        }
        Ok(Self { free: unmanaged::Pool::from(connections), _keep: Arc::new(std::sync::Mutex::new(first)) })
    }

    /// Runs a lookup on a free connection, on a thread that may block.
    ///
    /// Dropping the future stops the lookup, wherever it is: waiting for a connection, about to start, or inside a
    /// statement. Its connection is free again as soon as the statement has stopped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        lookup: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LookupError> {
        let connection = self.free.get().await.map_err(|_| LookupError::Lost)?;
        let stop = Stop::default();
        let _stop_on_drop = StopOnDrop(stop.clone());
        let query = CallContext::current().map(|call| call.activity("query"));
        let span = Span::current();
        let lookup = tokio::task::spawn_blocking(move || {
            let _entered = span.entered();
            // On the call's record until this thread is done with it.
            let _query = query;
            let started = Instant::now();
            let result = stop.during(|| lookup(&connection)).map_err(LookupError::from);
            if let Err(LookupError::Stopped) = &result {
                tracing::info!(after_ms = started.elapsed().as_millis(), "lookup stopped");
            }
            result
        });
        lookup.await.map_err(|_| LookupError::Lost)?
    }

    /// Returns how many connections no lookup is using.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.free.status().available
    }
}

/// Gives a connection what every connection to the directory has: patience, an ear for whoever wants its lookup to
/// stop, and `pause_ms`, which sleeps.
pub(super) fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(|tries| {
        std::thread::sleep(BUSY_WAIT);
        tries < BUSY_TRIES && !stop::is_asked()
    }))?;
    connection.progress_handler(STEPS, Some(stop::is_asked))?;
    connection.create_scalar_function("pause_ms", 1, FunctionFlags::SQLITE_UTF8, |context| {
        let pause: u32 = context.get(0)?;
        std::thread::sleep(Duration::from_millis(pause.into()));
        Ok(1)
    })
}
