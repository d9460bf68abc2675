//! Logs to standard error. Standard output has only the address of the server.

mod log_queue;

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::config::{LogArgs, LogFormat};
pub use log_queue::LogGuard;
use log_queue::LogQueue;

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be parsed.
    #[error(transparent)]
    Filter(#[from] ParseError),
    /// The thread that writes the lines cannot start.
    #[error("cannot start the thread of the log: {0}")]
    Thread(#[from] io::Error),
}

/// Starts logging for the whole process. A call that logs a line never waits for standard error, and never fails with it.
///
/// # Errors
///
/// Returns an error if the filter cannot be parsed, or if no thread can be started.
pub fn init(args: &LogArgs) -> Result<LogGuard, LogError> {
    let filter = EnvFilter::builder().parse(&args.log)?;
    let (queue, guard) = LogQueue::start(io::stderr(), |lines| {
        tracing::warn!(lines, "log lines were dropped: standard error was not read as fast as they came");
    })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(queue)
        // It would print to standard error itself, and panic if that fails.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal());
    match args.log_format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
    Ok(guard)
}
