//! The user directory: who is known by which name. A real SQLite database, in memory or in a file.
//!
//! 1. `schema`: its tables, as migrations, and the sample users.
//! 2. `pool`: several connections, each used by one lookup at a time on a thread that may block.
//! 3. [`Directory`]: what is asked of it.

mod pool;
mod schema;

use std::path::{Path, PathBuf};

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
    /// # Errors
    ///
    /// Returns an error if the database is busy for too long, or broken.
    pub async fn lookup(&self, name: &str) -> Result<Option<User>, LookupError> {
        let name = name.to_owned();
        self.pool.run(move |connection| select_user(connection, &name)).await
    }
}

/// Reads a user, and takes the time that a lookup of that user takes: one row, one pause, for each ten milliseconds
/// of it, so that the statement can be stopped between any two of them.
const SELECT_USER: &str = "
    WITH RECURSIVE
        found AS (SELECT name, display_name, lookup_ms FROM user WHERE name = :name),
        tick(n) AS (
            SELECT 1 FROM found WHERE lookup_ms > 0
            UNION ALL
            SELECT n + 1 FROM tick, found WHERE n * 10 < lookup_ms
        )
    SELECT name, display_name, (SELECT sum(pause_ms(10 + n * 0)) FROM tick) FROM found";

fn select_user(connection: &Connection, name: &str) -> rusqlite::Result<Option<User>> {
    connection
        .prepare_cached(SELECT_USER)?
        .query_row(named_params! { ":name": name }, |row| {
            Ok(User { name: row.get("name")?, display_name: row.get("display_name")? })
        })
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn display_name(directory: &Directory, name: &str) -> Option<String> {
        directory.lookup(name).await.expect("a healthy database").map(|user| user.display_name)
    }

    #[tokio::test]
    async fn a_directory_in_memory_knows_the_samples_and_no_one_else() {
        let directory = Directory::in_memory().unwrap();
        assert_eq!(display_name(&directory, "ada").await.as_deref(), Some("Ada Lovelace"));
        assert_eq!(display_name(&directory, "nobody").await, None);
    }

    #[tokio::test]
    async fn a_name_is_data_and_never_sql() {
        let directory = Directory::in_memory().unwrap();
        assert_eq!(display_name(&directory, "' OR 1=1 --").await, None);
        assert_eq!(display_name(&directory, "ada").await.as_deref(), Some("Ada Lovelace"));
    }

    #[tokio::test]
    async fn a_new_file_gets_the_samples_and_an_old_one_keeps_its_users() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.db");
        let directory = Directory::open(&path).unwrap();
        assert_eq!(display_name(&directory, "ada").await.as_deref(), Some("Ada Lovelace"));
        drop(directory);

        let edit = Connection::open(&path).unwrap();
        edit.execute("UPDATE user SET display_name = 'Countess' WHERE name = 'ada'", []).unwrap();
        edit.execute("DELETE FROM user WHERE name = 'grace'", []).unwrap();
        drop(edit);

        let directory = Directory::open(&path).unwrap();
        assert_eq!(display_name(&directory, "ada").await.as_deref(), Some("Countess"));
        assert_eq!(display_name(&directory, "grace").await, None);
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letter.txt");
        let text = "Dear Ada, this is no database, and long enough to be told from one. ".repeat(20);
        std::fs::write(&path, &text).unwrap();
        let error = Directory::open(&path).unwrap_err();
        assert!(error.to_string().contains("letter.txt"), "{error}");
        assert!(error.to_string().contains("not a database"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn another_programs_database_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("theirs.db");
        let theirs = Connection::open(&path).unwrap();
        theirs
            .execute_batch("CREATE TABLE letters (text TEXT); INSERT INTO letters VALUES ('Dear Ada');")
            .unwrap();
        drop(theirs);
        let before = std::fs::read(&path).unwrap();
        let error = Directory::open(&path).unwrap_err();
        assert!(error.to_string().contains("another program"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.db");
        drop(Directory::open(&path).unwrap());
        let edit = Connection::open(&path).unwrap();
        edit.pragma_update(None, "user_version", 99).unwrap();
        drop(edit);
        let error = Directory::open(&path).unwrap_err();
        assert!(error.to_string().contains("newer"), "{error}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Directory::open(Path::new("/no/such/folder/users.db")).unwrap_err();
        assert!(error.to_string().contains("/no/such/folder/users.db"), "{error}");
    }

    #[tokio::test]
    async fn a_locked_database_is_busy_and_works_again_when_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.db");
        let directory = Directory::open(&path).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        assert!(matches!(directory.lookup("ada").await, Err(LookupError::Busy)));
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(display_name(&directory, "ada").await.as_deref(), Some("Ada Lovelace"));
    }

    #[tokio::test]
    async fn slow_lookups_do_not_hold_up_a_fast_one() {
        let directory = Directory::in_memory().unwrap();
        let slow: Vec<_> = (0..2)
            .map(|_| {
                let directory = directory.clone();
                tokio::spawn(async move { directory.lookup("slow").await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(display_name(&directory, "ada").await.as_deref(), Some("Ada Lovelace"));
        assert!(slow.iter().all(|lookup| !lookup.is_finished()), "a slow lookup takes three seconds");
    }
}
