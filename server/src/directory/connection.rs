//! What each connection to the database has.

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::interrupt::is_interrupted;

/// How often a lookup retries while another program has locked the file, and the time between two tries.
const BUSY_TRIES: i32 = 50;
const BUSY_WAIT: Duration = Duration::from_millis(10);

/// The number of SQLite's virtual machine steps between two checks for an interrupt.
const STEPS_BETWEEN_CHECKS: i32 = 10;

/// Sets up a connection: it retries while the file is locked, its statements can be interrupted, and it has the SQL
/// function `pause_ms(milliseconds)`, which sleeps and returns 1.
pub(super) fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(|tries| {
        std::thread::sleep(BUSY_WAIT);
        tries < BUSY_TRIES && !is_interrupted()
    }))?;
    connection.progress_handler(STEPS_BETWEEN_CHECKS, Some(is_interrupted))?;
    connection.create_scalar_function("pause_ms", 1, FunctionFlags::SQLITE_UTF8, |context| {
        let pause: u32 = context.get(0)?;
        std::thread::sleep(Duration::from_millis(pause.into()));
        Ok(1)
    })
}
