//! Several connections to one database, each used by one lookup at a time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deadpool::unmanaged;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, ErrorCode};

/// How many lookups run at a time. Each holds a connection and a thread; further ones wait.
const CONNECTIONS: usize = 4;

/// How long a lookup waits for another program that has locked the file.
const BUSY: Duration = Duration::from_millis(500);

/// Why a lookup gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// Another program has locked the database.
    #[error("the user directory is busy")]
    Busy,
    /// The database cannot be read.
    #[error("the user directory is broken")]
    Broken(#[source] rusqlite::Error),
    /// The thread of the lookup has ended without an answer.
    #[error("the lookup was lost")]
    Lost,
}

impl From<rusqlite::Error> for LookupError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
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
    pub(super) async fn run<T: Send + 'static>(
        &self,
        lookup: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LookupError> {
        let connection = self.free.get().await.map_err(|_| LookupError::Lost)?;
        // The connection is free again when the thread lets go of it, however long the caller waits.
        let lookup = tokio::task::spawn_blocking(move || lookup(&connection));
        Ok(lookup.await.map_err(|_| LookupError::Lost)??)
    }
}

/// Gives a connection what every connection to the directory has: patience, and `pause_ms`, which sleeps.
pub(super) fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.create_scalar_function("pause_ms", 1, FunctionFlags::SQLITE_UTF8, |context| {
        let pause: u32 = context.get(0)?;
        std::thread::sleep(Duration::from_millis(pause.into()));
        Ok(1)
    })
}
