//! A moment in a call.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::clock::now;

/// When something happened in a call, once it has. Half the size of a `OnceLock<Instant>`, of which an open call would have several.
#[derive(Debug, Default)]
pub(super) struct Moment(
    /// One more than the nanoseconds since the call opened, which last for 584 years. Zero: it has not happened.
    AtomicU64,
);

impl Moment {
    /// Records that it happens now, in a call that opened at `opened`, unless it has happened.
    pub(super) fn record(&self, opened: Instant) {
        if self.0.load(Ordering::Relaxed) == 0 {
            let since = now().saturating_duration_since(opened).as_nanos();
            let since = u64::try_from(since).unwrap_or(u64::MAX - 1) + 1;
            // Another thread may have been faster.
            let _ = self.0.compare_exchange(0, since, Ordering::Release, Ordering::Relaxed);
        }
    }

    /// Returns when it happened, in a call that opened at `opened`.
    pub(super) fn get(&self, opened: Instant) -> Option<Instant> {
        let since = self.0.load(Ordering::Acquire).checked_sub(1)?;
        opened.checked_add(Duration::from_nanos(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_moment_stands() {
        let (moment, opened) = (Moment::default(), now());
        assert_eq!(moment.get(opened), None);
        moment.record(opened);
        let first = moment.get(opened).unwrap();
        assert!((opened..=now()).contains(&first));
        moment.record(opened + Duration::from_secs(1));
        assert_eq!(moment.get(opened), Some(first));
    }
}
