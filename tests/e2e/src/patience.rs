//! How long a test waits for something that should come.

use std::time::Duration;

use anyhow::{Result, anyhow};

/// How long a test waits for a fact before it fails: much longer than a busy machine needs, since a right program never
/// makes a test wait for it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often a fact is looked for where nothing announces it.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until `look` finds something. An error is looked past too, since a page that is just being left or loaded has
/// nothing to look at.
///
/// # Errors
///
/// After [`PATIENCE`], in words that say `what` was wanted and what was seen last.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Sight<T>>) -> Result<T> {
    let mut last = String::from("nothing");
    let search = async {
        loop {
            match look().await {
                Ok(Sight::Found(found)) => return found,
                Ok(Sight::Other(seen)) => last = seen,
                Err(error) => last = format!("{error:#}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(PATIENCE, search)
        .await
        .map_err(|_| anyhow!("waited {PATIENCE:?} for {what}, and saw last: {last}"))
}

/// What one look came to.
pub(crate) enum Sight<T> {
    /// What was looked for.
    Found(T),
    /// Something else, in words.
    Other(String),
}
