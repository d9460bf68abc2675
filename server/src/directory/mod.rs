//! The user directory: users by name, in an SQLite database in memory or in a file.
//!
//! 1. [`Directory`]: opens the database, and looks up users.
//! 2. `schema`: its tables, as migrations, and the sample users.
//! 3. `pool`: connections, each used by one lookup at a time on a blocking thread.
//! 4. `connection`: the handlers and the SQL function that each connection has.
//! 5. `interrupt`: the flag that interrupts the lookup of a call that has ended.

mod connection;
mod interrupt;
mod pool;
mod schema;
#[cfg(test)]
mod tests;
mod user_directory;

pub use pool::LookupError;
pub use user_directory::{Directory, OpenError, User};
