//! The tables of the user directory, and the users of a new one.

use rusqlite::{Connection, ErrorCode};
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

use super::connection::set_up;

/// Identifies a file as a user directory (`PRAGMA application_id`): the letters `dbrg`. The first migration sets it.
const APPLICATION_ID: i32 = 0x6462_7267;

/// The migrations. A released one is never changed: a change of the schema is a further migration. The first one inserts the
/// sample users, so that only new directories get them.
const MIGRATIONS: &[M<'_>] = &[M::up(
    "PRAGMA application_id = 0x64627267;

    CREATE TABLE user (
        name         TEXT PRIMARY KEY NOT NULL,
        display_name TEXT NOT NULL,
        -- How long a lookup of this user takes, in milliseconds, so that a slow handler can be tried.
        lookup_ms    INTEGER NOT NULL DEFAULT 0 CHECK (lookup_ms BETWEEN 0 AND 60000)
    ) STRICT, WITHOUT ROWID;

    INSERT INTO user (name, display_name, lookup_ms) VALUES
        ('ada',      'Ada Lovelace',       0),
        ('barbara',  'Barbara Liskov',     0),
        ('edsger',   'Edsger W. Dijkstra', 0),
        ('grace',    'Grace Hopper',       0),
        ('margaret', 'Margaret Hamilton',  0),
        ('slow',     'Slow Joe',           3000);",
)];

/// Why a database cannot serve as the user directory.
#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    #[error("{}", message_of(.0))]
    Sqlite(#[from] rusqlite::Error),
    #[error("its schema is newer than this program; use a newer version of drawbridge")]
    Newer,
    #[error("it is the database of another program")]
    Foreign,
    #[error("{0}")]
    Migration(rusqlite_migration::Error),
}

impl From<rusqlite_migration::Error> for SchemaError {
    fn from(error: rusqlite_migration::Error) -> Self {
        match error {
            rusqlite_migration::Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
                Self::Newer
            }
            rusqlite_migration::Error::RusqliteError { err, .. } => Self::Sqlite(err),
            other => Self::Migration(other),
        }
    }
}

/// Migrates a database to the current schema. An empty database gets the schema and the sample users.
///
/// # Errors
///
/// Returns an error, and changes nothing, if the database is not a user directory or cannot be used.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), SchemaError> {
    set_up(connection)?;
    let objects: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application_id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if objects > 0 && application_id != APPLICATION_ID {
        return Err(SchemaError::Foreign);
    }
    Migrations::from_slice(MIGRATIONS).to_latest(connection)?;
    Ok(())
}

/// Describes an error of SQLite to the operator of the program, without SQL.
fn message_of(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(failure, message) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => "another program has locked it".to_owned(),
            ErrorCode::NotADatabase => "it is not a database".to_owned(),
            _ => message.clone().unwrap_or_else(|| failure.to_string()),
        },
        other => other.to_string(),
    }
}
