//! The user directory on real databases, in memory and in files.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::pool::{self, LookupError};
use super::{Directory, User};

async fn display_name(directory: &Directory, name: &str) -> Option<String> {
    directory.lookup(name).await.expect("a healthy database").map(|user| user.display_name)
}

#[tokio::test]
async fn a_directory_in_memory_has_the_sample_users_only() {
    let directory = Directory::in_memory().unwrap();
    assert_eq!(display_name(&directory, "ada").await.as_deref(), Some("Ada Lovelace"));
    assert_eq!(display_name(&directory, "nobody").await, None);
}

#[tokio::test]
async fn a_name_is_not_interpreted_as_sql() {
    let directory = Directory::in_memory().unwrap();
    assert_eq!(display_name(&directory, "' OR 1=1 --").await, None);
    assert_eq!(display_name(&directory, "ada").await.as_deref(), Some("Ada Lovelace"));
}

#[tokio::test]
async fn a_new_file_gets_the_sample_users_and_an_existing_file_keeps_its_users() {
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
fn a_file_that_is_not_a_database_is_refused_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    let text = "Dear Ada, this is not a database, and long enough to be recognized as such. ".repeat(20);
    std::fs::write(&path, &text).unwrap();
    let error = Directory::open(&path).unwrap_err();
    assert!(error.to_string().contains("letter.txt"), "{error}");
    assert!(error.to_string().contains("not a database"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_database_of_another_program_is_refused_and_not_changed() {
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
fn an_error_names_the_file_in_a_folder_that_does_not_exist() {
    let error = Directory::open(Path::new("/no/such/folder/users.db")).unwrap_err();
    assert!(error.to_string().contains("/no/such/folder/users.db"), "{error}");
}

#[tokio::test]
async fn a_locked_database_is_busy_until_it_is_unlocked() {
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
async fn slow_lookups_do_not_delay_a_fast_one() {
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

/// Waits until all connections are available. A lookup that is not interrupted would take longer than the timeout.
async fn all_available(directory: &Directory) {
    let available = async {
        while directory.pool.available() < pool::CONNECTIONS {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), available)
        .await
        .expect("an interrupted lookup returns its connection");
}

/// A lookup that takes a minute.
fn one_minute_lookup(directory: &Directory) -> impl Future<Output = Result<Option<User>, LookupError>> {
    let directory = directory.clone();
    async move { directory.lookup_slowly("ada", Duration::from_mins(1)).await }
}

/// Starts a statement that takes minutes, and returns while it runs.
async fn start_long_statement(directory: &Directory) -> JoinHandle<Result<i64, LookupError>> {
    let (inside, mut started) = mpsc::channel(1);
    let pool = directory.pool.clone();
    let lookup = tokio::spawn(async move {
        let statement = move |connection: &Connection| {
            connection.create_scalar_function("inside", 1, FunctionFlags::SQLITE_UTF8, move |_| {
                let _ = inside.try_send(());
                Ok(0)
            })?;
            connection.query_row(
                "WITH RECURSIVE tick(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM tick WHERE n < 500000000)
                 SELECT sum(inside(n)) FROM tick",
                [],
                |row| row.get(0),
            )
        };
        pool.run(statement).await
    });
    started.recv().await.expect("the statement to start");
    lookup
}

#[tokio::test]
async fn a_dropped_lookup_is_interrupted_in_its_statement() {
    let directory = Directory::in_memory().unwrap();
    let lookup = start_long_statement(&directory).await;
    assert_eq!(directory.pool.available(), pool::CONNECTIONS - 1);
    lookup.abort();
    all_available(&directory).await;
    // The interrupt is not left behind on any connection.
    for _ in 0..2 * pool::CONNECTIONS {
        assert_eq!(display_name(&directory, "ada").await.as_deref(), Some("Ada Lovelace"));
    }
}

#[test]
fn a_lookup_that_is_dropped_before_it_starts_is_interrupted_when_it_starts() {
    // The only blocking thread is occupied, so the lookup waits for it.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let directory = Directory::in_memory().unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let holder = tokio::task::spawn_blocking(move || held.recv());
        let mut lookup = Box::pin(one_minute_lookup(&directory));
        assert!((&mut lookup).now_or_never().is_none());
        assert_eq!(directory.pool.available(), pool::CONNECTIONS - 1);
        drop(lookup);
        release.send(()).unwrap();
        holder.await.unwrap().unwrap();
        all_available(&directory).await;
    });
}

#[tokio::test]
async fn an_interrupt_after_the_end_does_not_affect_the_next_lookup() {
    let directory = Directory::in_memory().unwrap();
    let mut lookups = Vec::new();
    for _ in 0..2 * pool::CONNECTIONS {
        let mut lookup = Box::pin(directory.lookup("ada"));
        // It is complete and kept: its flag is set when it is dropped, while others use its connection.
        lookup.as_mut().await.unwrap();
        lookups.push(lookup);
    }
    let slow = tokio::spawn({
        let directory = directory.clone();
        async move { directory.lookup_slowly("grace", Duration::from_millis(200)).await }
    });
    drop(lookups);
    assert_eq!(slow.await.unwrap().unwrap().unwrap().display_name, "Grace Hopper");
}

#[tokio::test]
async fn a_lookup_waits_for_a_connection_and_can_be_dropped_while_it_waits() {
    let directory = Directory::in_memory().unwrap();
    let mut busy = Vec::new();
    for _ in 0..pool::CONNECTIONS {
        busy.push(start_long_statement(&directory).await);
    }
    let mut waiting = Box::pin(directory.lookup("ada"));
    assert!((&mut waiting).now_or_never().is_none());
    drop(waiting);
    let waiting = directory.lookup("ada");
    busy.pop().unwrap().abort();
    assert_eq!(waiting.await.unwrap().unwrap().display_name, "Ada Lovelace");
    busy.iter().for_each(JoinHandle::abort);
    all_available(&directory).await;
}

#[tokio::test]
async fn a_dropped_lookup_stops_waiting_for_a_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.db");
    let directory = Directory::open(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let start = Instant::now();
    assert!(matches!(directory.lookup("ada").await, Err(LookupError::Busy)));
    let busy_timeout = start.elapsed();

    let start = Instant::now();
    let mut lookup = Box::pin(directory.lookup("ada"));
    assert!((&mut lookup).now_or_never().is_none());
    drop(lookup);
    all_available(&directory).await;
    assert!(start.elapsed() < busy_timeout / 2, "{:?} of {busy_timeout:?}", start.elapsed());
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(display_name(&directory, "ada").await.as_deref(), Some("Ada Lovelace"));
}

#[tokio::test]
async fn a_lookup_takes_the_requested_time_whether_the_user_exists_or_not() {
    let directory = Directory::in_memory().unwrap();
    for name in ["ada", "nobody"] {
        let start = Instant::now();
        directory.lookup_slowly(name, Duration::from_millis(55)).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(55), "{name}");
    }
}
