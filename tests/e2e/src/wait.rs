//! How a test waits for something that it cannot be notified of.

use std::time::Duration;

use anyhow::{Result, anyhow};

/// How long a test waits before it fails. A correct program never makes a test wait this long, even on a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The pause between two looks.
const INTERVAL: Duration = Duration::from_millis(20);

/// The result of one look.
pub(crate) enum Look<T> {
    /// The test has found what it waits for.
    Found(T),
    /// The test has seen something else, described by this text.
    NotYet(String),
}

/// Looks until `look` finds something. An error counts as [`Look::NotYet`], because a page that is being loaded or unloaded
/// cannot be read.
///
/// # Errors
///
/// After [`TIMEOUT`], with `what` was expected and what was seen last.
pub(crate) async fn wait_for<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Look<T>>) -> Result<T> {
    let mut last = String::from("nothing");
    let search = async {
        loop {
            match look().await {
                Ok(Look::Found(found)) => return found,
                Ok(Look::NotYet(seen)) => last = seen,
                Err(error) => last = format!("{error:#}"),
            }
            tokio::time::sleep(INTERVAL).await;
        }
    };
    tokio::time::timeout(TIMEOUT, search)
        .await
        .map_err(|_| anyhow!("waited {TIMEOUT:?} for {what}; last seen: {last}"))
}
