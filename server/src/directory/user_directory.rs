//! Looks up users by name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::pool::{LookupError, Pool};
use super::schema;

/// A user of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The unique, lower-case name that the user is looked up by.
    pub name: String,
    /// The name to show.
    pub display_name: String,
}

/// Why the user directory cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the user directory {}: {source}", path.display())]
pub struct OpenError {
    path: PathBuf,
    source: schema::SchemaError,
}

/// The user directory. Cloning it gives another handle to the same directory.
#[derive(Clone, Debug)]
pub struct Directory {
    pub(super) pool: Pool,
}

impl Directory {
    /// Creates a directory in memory, with the sample users.
    ///
    /// # Errors
    ///
    /// Returns an error if SQLite is out of memory.
    pub fn in_memory() -> Result<Self, OpenError> {
        // Connections share a database in memory by its name. A random name separates two directories.
        Self::open_at(Path::new(&format!("file:/drawbridge-{:032x}?vfs=memdb", rand::random::<u128>())))
    }

    /// Opens the directory in a file. A file that does not exist is created with the sample users. The schema of an existing
    /// file is migrated to the current version, and its users stay.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it cannot be read, is not a user directory, or has a newer schema.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_at(path)
    }

    fn open_at(path: &Path) -> Result<Self, OpenError> {
        let open = || {
            let mut first = Connection::open(path)?;
            schema::prepare(&mut first)?;
            Ok(Pool::new(path, first)?)
        };
        open().map(|pool| Self { pool }).map_err(|source| OpenError { path: path.to_owned(), source })
    }

    /// Looks up a user by name. It waits for an available connection without blocking the runtime.
    ///
    /// Dropping the future interrupts the SQL statement.
    ///
    /// # Errors
    ///
    /// Returns an error if the database is busy for too long, or broken.
    pub async fn lookup(&self, name: &str) -> Result<Option<User>, LookupError> {
        self.lookup_slowly(name, Duration::ZERO).await
    }

    /// Looks up a user by name, in one SQL statement that takes at least `min_duration`, so that a slow handler can be tried.
    /// Otherwise as [`Directory::lookup`].
    ///
    /// # Errors
    ///
    /// Returns an error if the database is busy for too long, or broken.
    pub async fn lookup_slowly(
        &self,
        name: &str,
        min_duration: Duration,
    ) -> Result<Option<User>, LookupError> {
        let name = name.to_owned();
        let min_ms = u32::try_from(min_duration.as_millis()).unwrap_or(u32::MAX);
        self.pool.run(move |connection| select_user(connection, &name, min_ms)).await
    }
}

/// Selects a user after a pause of `:min_ms`, or of the user's own `lookup_ms` if that is longer. The pause is one row for
/// each ten milliseconds, so that the statement can be interrupted between two rows. The cross join makes SQLite evaluate
/// the pause first.
const SELECT_USER: &str = "
    WITH RECURSIVE
        found AS (SELECT name, display_name, lookup_ms FROM user WHERE name = :name),
        pause(ms) AS (SELECT max(:min_ms, coalesce((SELECT lookup_ms FROM found), 0))),
        tick(n) AS (
            SELECT 1 FROM pause WHERE ms > 0
            UNION ALL
            SELECT n + 1 FROM tick, pause WHERE n * 10 < ms
        ),
        paused(times) AS MATERIALIZED (SELECT sum(pause_ms(10 + n * 0)) FROM tick)
    SELECT name, display_name FROM paused CROSS JOIN found";

fn select_user(connection: &Connection, name: &str, min_ms: u32) -> rusqlite::Result<Option<User>> {
    connection
        .prepare_cached(SELECT_USER)?
        .query_row(named_params! { ":name": name, ":min_ms": min_ms }, |row| {
            Ok(User { name: row.get("name")?, display_name: row.get("display_name")? })
        })
        .optional()
}
