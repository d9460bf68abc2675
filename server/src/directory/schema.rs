//! The directory's tables, and the users that a new one starts with.

use rusqlite::{Connection, ErrorCode};
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

/// Marks a file as a user directory of ours (`PRAGMA application_id`): the letters `dbrg`. The first step sets it.
const APPLICATION_ID: i32 = 0x6462_7267;

/// Each step of the schema's history. A step that was released is never changed; a change is a step more. The first
/// one brings the sample users, so that a new directory has them and an old one never gets them back.
const STEPS: &[M<'_>] = &[M::up(
    "PRAGMA application_id = 0x64627267;

    CREATE TABLE user (
        name         TEXT PRIMARY KEY NOT NULL,
        display_name TEXT NOT NULL,
        -- How long a lookup of this user takes, in milliseconds, so that a slow answer can be tried.
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
    #[error("{}", without_sql(.0))]
    Sqlite(#[from] rusqlite::Error),
    #[error("its schema is newer than this program; use a newer drawbridge")]
    Newer,
    #[error("it is the database of another program; name another file")]
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

/// Brings a database up to date: an empty one gets the schema and the samples, an old one what it lacks.
///
/// # Errors
///
/// Returns an error, and changes nothing, if the database is no directory or cannot be used.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), SchemaError> {
    super::pool::set_up(connection)?;
    let objects: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application_id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if objects > 0 && application_id != APPLICATION_ID {
        return Err(SchemaError::Foreign);
    }
    Migrations::from_slice(STEPS).to_latest(connection)?;
    Ok(())
}

/// Describes an error of SQLite in words for whoever started the program.
fn without_sql(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(failure, words) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => "another program has locked it".to_owned(),
            ErrorCode::NotADatabase => "it is not a database".to_owned(),
            _ => words.clone().unwrap_or_else(|| failure.to_string()),
        },
        other => other.to_string(),
    }
}
