//! The instant at which the time of a call is up.

use std::time::Duration;

use crate::Timeout;

/// A reading of a monotonic clock.
///
/// It is implemented for `std::time::Instant`, and for [`Duration`] as the time since a fixed start, which is what a
/// browser's `performance.now()` returns. Implement it for another clock's instant to use it in a [`Deadline`].
pub trait TimePoint: Copy + Ord {
    /// Returns `self + duration`, or `None` if the clock cannot represent it.
    fn checked_add(self, duration: Duration) -> Option<Self>;
    /// Returns the time from `earlier` to `self`, or zero if `earlier` is later.
    fn saturating_since(self, earlier: Self) -> Duration;
}

impl TimePoint for Duration {
    fn checked_add(self, duration: Duration) -> Option<Self> {
        Duration::checked_add(self, duration)
    }
    fn saturating_since(self, earlier: Self) -> Duration {
        self.saturating_sub(earlier)
    }
}

impl TimePoint for std::time::Instant {
    fn checked_add(self, duration: Duration) -> Option<Self> {
        std::time::Instant::checked_add(&self, duration)
    }
    fn saturating_since(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

/// The instant at which the time of a call is up, with the timeout that the call was granted.
///
/// A deadline holds for one clock. What is sent to another host is the [remaining](Self::remaining) time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline<I> {
    at: I,
    granted: Duration,
}

impl<I: TimePoint> Deadline<I> {
    /// Returns the deadline of a call that starts at `now` with `timeout`.
    ///
    /// Returns `None` if the clock cannot represent the instant: such a call has no deadline.
    pub fn after(now: I, timeout: Timeout) -> Option<Self> {
        let granted = timeout.duration();
        now.checked_add(granted).map(|at| Self { at, granted })
    }

    /// Returns the instant at which the time is up.
    pub fn at(&self) -> I {
        self.at
    }

    /// Returns the timeout that the call was granted at its start.
    pub fn granted(&self) -> Timeout {
        Timeout::from(self.granted)
    }

    /// Returns the time that remains at `now`: zero once the deadline has passed.
    pub fn remaining(&self, now: I) -> Timeout {
        Timeout::from(self.at.saturating_since(now))
    }

    /// Returns whether the deadline has passed at `now`. It has passed at its own instant.
    pub fn expired(&self, now: I) -> bool {
        now >= self.at
    }

    /// Returns the earlier of two deadlines. `None` is later than any.
    pub fn min(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(if other.at < one.at { other } else { one }),
            (one, other) => one.or(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    fn after(now: Duration, timeout: Duration) -> Option<Deadline<Duration>> {
        Deadline::after(now, Timeout::from(timeout))
    }

    #[test]
    fn a_deadline_has_passed_at_its_own_instant() {
        let deadline = after(ms(10), ms(5)).unwrap();
        assert!(!deadline.expired(ms(14)));
        assert!(deadline.expired(ms(15)));
        assert_eq!(deadline.remaining(ms(12)).duration(), ms(3));
        assert_eq!(deadline.remaining(ms(99)).duration(), Duration::ZERO);
        assert_eq!(deadline.granted().duration(), ms(5));
    }

    #[test]
    fn a_timeout_of_zero_has_passed_at_the_start() {
        assert!(after(ms(7), Duration::ZERO).unwrap().expired(ms(7)));
    }

    #[test]
    fn a_timeout_beyond_the_clocks_range_gives_no_deadline() {
        assert_eq!(after(ms(1), Duration::MAX), None);
    }

    #[test]
    fn a_missing_deadline_is_later_than_any() {
        let deadline = after(ms(0), ms(5));
        assert_eq!(Deadline::min(deadline, None), deadline);
        assert_eq!(Deadline::min(None, deadline), deadline);
        assert_eq!(Deadline::<Duration>::min(None, None), None);
    }

    proptest! {
        #[test]
        fn the_earlier_of_two_deadlines_is_returned(a in 0u64..1_000, b in 0u64..1_000) {
            let first = Deadline::min(after(ms(0), ms(a)), after(ms(0), ms(b))).unwrap();
            prop_assert_eq!(first.at(), ms(a.min(b)));
        }

        #[test]
        fn the_remaining_time_shrinks_and_is_zero_exactly_when_expired(at in 0u64..1_000, now in 0u64..2_000, later in 0u64..1_000) {
            let deadline = after(ms(0), ms(at)).unwrap();
            prop_assert!(deadline.remaining(ms(now + later)) <= deadline.remaining(ms(now)));
            prop_assert_eq!(deadline.expired(ms(now)), deadline.remaining(ms(now)).duration().is_zero());
        }
    }
}
