//! When the names of upstreams are resolved.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// How long the addresses of a name are used before it is resolved again.
const INTERVAL: Duration = Duration::from_secs(30);

/// The least time between two lookups of a name.
const LEAST_INTERVAL: Duration = Duration::from_secs(5);

/// The lookups of one name. One task makes them, one after the other, while the upstream is used.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    wake: Arc<Notify>,
    /// Whether the task runs.
    runs: bool,
    /// Whether a lookup is in progress.
    in_progress: bool,
    /// When the next lookup may begin after one that failed.
    retry_at: Option<Instant>,
}

impl Lookups {
    /// Asks for a lookup as soon as possible. Returns whether the caller has to start the task.
    #[must_use]
    pub(super) fn request(&mut self) -> bool {
        if !self.runs {
            self.runs = true;
            self.in_progress = true;
            return true;
        }
        self.wake.notify_one();
        false
    }

    pub(super) fn is_in_progress(&self) -> bool {
        self.in_progress
    }

    /// Returns when the next lookup may begin after one that failed.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    pub(super) fn started(&mut self) {
        self.in_progress = true;
    }

    pub(super) fn finished(&mut self, now: Instant, failed: bool) {
        self.in_progress = false;
        self.retry_at = failed.then(|| now + LEAST_INTERVAL);
    }

    /// Records that the task has ended.
    pub(super) fn stopped(&mut self) {
        (self.runs, self.in_progress) = (false, false);
    }

    /// Returns what the task waits with.
    pub(super) fn timer(&self) -> LookupTimer {
        LookupTimer(Arc::clone(&self.wake))
    }
}

/// Waits for the time of the next lookup.
pub(super) struct LookupTimer(Arc<Notify>);

impl LookupTimer {
    /// Waits for the time of the next lookup. Returns whether it was asked for.
    pub(super) async fn next(&self) -> bool {
        sleep(LEAST_INTERVAL).await;
        timeout(INTERVAL.saturating_sub(LEAST_INTERVAL), self.0.notified()).await.is_ok()
    }
}
