//! How long a call has waited for its request.

use std::sync::atomic::{AtomicU8, Ordering};

/// How many ticks a request may be silent. An interval that began between two ticks is not counted, so a call waits for up to
/// one tick more.
pub(super) const MAX_TICKS: u8 = 4;

/// Counts the ticks in which a request body was waited for and nothing of it came. Neither a timer nor a clock is read for a call: each
/// call changes one byte when it begins to wait and when it goes on, and [`request_watch`](super::request_watch) counts.
#[derive(Debug, Default)]
pub(super) struct RequestWait {
    /// Zero: the body is not waited for. Otherwise one more than the ticks since then.
    ticks: AtomicU8,
}

impl RequestWait {
    /// Records that the body is waited for.
    pub(super) fn begin(&self) {
        if self.ticks.load(Ordering::Relaxed) == 0 {
            self.ticks.store(1, Ordering::Relaxed);
        }
    }

    /// Records that something of the body has come, or that it is no longer waited for.
    pub(super) fn end(&self) {
        self.ticks.store(0, Ordering::Relaxed);
    }

    /// Counts a tick. Returns whether the body has been waited for too long.
    pub(super) fn tick(&self) -> bool {
        let ticks = self.ticks.load(Ordering::Relaxed);
        if ticks == 0 || ticks > MAX_TICKS {
            return ticks > MAX_TICKS;
        }
        // It fails if something has come meanwhile.
        let _ = self.ticks.compare_exchange(ticks, ticks + 1, Ordering::Relaxed, Ordering::Relaxed);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_too_long_after_all_of_its_ticks() {
        let wait = RequestWait::default();
        assert!((0..20).all(|_| !wait.tick()), "nothing is waited for");
        wait.begin();
        assert!((0..MAX_TICKS).all(|_| !wait.tick()));
        // It goes on.
        wait.begin();
        assert!(wait.tick());
    }

    #[test]
    fn what_comes_begins_the_count_again() {
        let wait = RequestWait::default();
        wait.begin();
        assert!((0..MAX_TICKS).all(|_| !wait.tick()));
        wait.end();
        assert!(!wait.tick());
        wait.begin();
        assert!((0..MAX_TICKS).all(|_| !wait.tick()));
        assert!(wait.tick());
    }
}
