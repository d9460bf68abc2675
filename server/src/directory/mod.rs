//! The user directory: who is known by which name. A real SQLite database, in memory or in a file.
//!
//! 1. `schema`: its tables, as migrations, and the sample users.
//! 2. `pool`: several connections, each used by one lookup at a time on a thread that may block.
//! 3. `stop`: the flag by which a lookup is stopped that nobody waits for any more.
//! 4. [`Directory`]: what is asked of it.

mod pool;
mod schema;
mod stop;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, named_params};

pub use pool::LookupError;
use pool::Pool;

/// A user of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The unique, lower-case name by which the user is looked up.
    pub name: String,
    /// The name to show.
    pub display_name: String,
}

/// Why the directory could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the user directory {}: {source}", path.display())]
pub struct OpenError {
    path: PathBuf,
    source: schema::SchemaError,
}

/// The user directory. Cloning it gives another handle to the same.
#[derive(Clone, Debug)]
pub struct Directory {
    pool: Pool,
}

impl Directory {
    /// Opens a directory of its own in memory, with the sample users.
    ///
    /// # Errors
    ///
    /// Returns an error if SQLite cannot make one, which only a lack of memory can cause.
    pub fn in_memory() -> Result<Self, OpenError> {
        // Connections share a database in memory by its name; a random one keeps two directories apart.
        Self::open_at(Path::new(&format!("file:/drawbridge-{:032x}?vfs=memdb", rand::random::<u128>())))
    }

    /// Opens the directory in a file. If there is no such file, it is made, with the sample users; if there is, its
    /// schema is brought up to date and its users stay as they are.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it cannot be read, is no database, or is newer than this program.
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

    /// Looks up a user by name. It waits for a free connection without blocking the runtime.
    ///
    /// Dropping the future stops the statement: a lookup belongs to the call that waits for it.
    ///
    /// # Errors
    ///
    /// Returns an error if the database is busy for too long, or broken.
    pub async fn lookup(&self, name: &str) -> Result<Option<User>, LookupError> {
        self.lookup_for(name, Duration::ZERO).await
    }

    /// Looks up a user by name, and takes at least this time for it, in one SQL statement, so that a slow answer can be
    /// tried. Otherwise as [`Directory::lookup`].
    ///
    /// # Errors
    ///
    /// Returns an error if the database is busy for too long, or broken.
    pub async fn lookup_for(&self, name: &str, at_least: Duration) -> Result<Option<User>, LookupError> {
        let name = name.to_owned();
        let at_least_ms = u32::try_from(at_least.as_millis()).unwrap_or(u32::MAX);
        self.pool.run(move |connection| select_user(connection, &name, at_least_ms)).await
    }
}

/// Reads a user, and takes the time that was asked for, or that a lookup of this user takes: one row, one pause, for
/// each ten milliseconds of it, so that the statement can be stopped between any two of them. The cross join has the
/// pauses come before the user.
const SELECT_USER: &str = "
    WITH RECURSIVE
        found AS (SELECT name, display_name, lookup_ms FROM user WHERE name = :name),
        pause(ms) AS (SELECT max(:at_least_ms, coalesce((SELECT lookup_ms FROM found), 0))),
        tick(n) AS (
            SELECT 1 FROM pause WHERE ms > 0
            UNION ALL
            SELECT n + 1 FROM tick, pause WHERE n * 10 < ms
        ),
        paused(times) AS MATERIALIZED (SELECT sum(pause_ms(10 + n * 0)) FROM tick)
    SELECT name, display_name FROM paused CROSS JOIN found";

fn select_user(connection: &Connection, name: &str, at_least_ms: u32) -> rusqlite::Result<Option<User>> {
    connection
        .prepare_cached(SELECT_USER)?
        .query_row(named_params! { ":name": name, ":at_least_ms": at_least_ms }, |row| {
            Ok(User { name: row.get("name")?, display_name: row.get("display_name")? })
        })
        .optional()
}
