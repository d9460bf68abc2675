//! The instant by which a call must have ended.

use std::time::Duration;

use crate::Timeout;

/// A clock's reading: anything that a duration can be added to and that can be subtracted.
///
/// Native code reads `std::time::Instant` or `tokio::time::Instant`; a page has neither and reads
/// `performance.now()` as a [`Duration`] since it was opened. Each is an `Instant` by itself.
pub trait Instant: Copy + Ord {
    /// Returns `self + duration`, or `None` beyond the clock's range.
    fn checked_add(self, duration: Duration) -> Option<Self>;
    /// Returns how long `self` is after `earlier`, or zero if it is not.
    fn saturating_since(self, earlier: Self) -> Duration;
}

impl Instant for Duration {
    fn checked_add(self, duration: Duration) -> Option<Self> {
        Duration::checked_add(self, duration)
    }
    fn saturating_since(self, earlier: Self) -> Duration {
        self.saturating_sub(earlier)
    }
}

impl Instant for std::time::Instant {
    fn checked_add(self, duration: Duration) -> Option<Self> {
        std::time::Instant::checked_add(&self, duration)
    }
    fn saturating_since(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

/// The instant by which a call must have ended, with the timeout that was granted when it began.
///
/// A deadline is local to one clock. On the wire travels what [remains](Self::remaining) of it, as a [`Timeout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline<I> {
    at: I,
    granted: Duration,
}

impl<I: Instant> Deadline<I> {
    /// Creates the deadline of a call that starts `now` and may take `timeout`.
    ///
    /// Returns `None` where the clock cannot count so far: such a call has no deadline that could ever pass.
    pub fn after(now: I, timeout: Timeout) -> Option<Self> {
        let granted = timeout.duration();
        now.checked_add(granted).map(|at| Self { at, granted })
    }

    /// Returns the instant at which the time is up.
    pub fn at(&self) -> I {
        self.at
    }

    /// Returns the whole time that was granted, from the start of the call.
    pub fn granted(&self) -> Timeout {
        Timeout::from(self.granted)
    }

    /// Returns the time that is left at `now`: zero once the deadline has passed.
    pub fn remaining(&self, now: I) -> Timeout {
        Timeout::from(self.at.saturating_since(now))
    }

    /// Tells whether the deadline has passed at `now`. The instant itself counts as passed.
    pub fn expired(&self, now: I) -> bool {
        now >= self.at
    }

    /// Returns the deadline that comes first. A missing one never comes.
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
    fn the_instant_itself_has_passed() {
        let deadline = after(ms(10), ms(5)).unwrap();
        assert!(!deadline.expired(ms(14)));
        assert!(deadline.expired(ms(15)));
        assert_eq!(deadline.remaining(ms(12)).duration(), ms(3));
        assert_eq!(deadline.remaining(ms(99)).duration(), Duration::ZERO);
        assert_eq!(deadline.granted().duration(), ms(5));
    }

    #[test]
    fn a_timeout_of_zero_has_passed_at_once() {
        assert!(after(ms(7), Duration::ZERO).unwrap().expired(ms(7)));
    }

    #[test]
    fn what_the_clock_cannot_count_is_no_deadline() {
        assert_eq!(after(ms(1), Duration::MAX), None);
    }

    #[test]
    fn a_missing_deadline_never_comes_first() {
        let deadline = after(ms(0), ms(5));
        assert_eq!(Deadline::min(deadline, None), deadline);
        assert_eq!(Deadline::min(None, deadline), deadline);
        assert_eq!(Deadline::<Duration>::min(None, None), None);
    }

    proptest! {
        #[test]
        fn the_first_of_two_is_no_later_than_either(a in 0u64..1_000, b in 0u64..1_000) {
            let first = Deadline::min(after(ms(0), ms(a)), after(ms(0), ms(b))).unwrap();
            prop_assert_eq!(first.at(), ms(a.min(b)));
        }

        #[test]
        fn remaining_shrinks_and_is_zero_exactly_when_expired(at in 0u64..1_000, now in 0u64..2_000, later in 0u64..1_000) {
            let deadline = after(ms(0), ms(at)).unwrap();
            prop_assert!(deadline.remaining(ms(now + later)) <= deadline.remaining(ms(now)));
            prop_assert_eq!(deadline.expired(ms(now)), deadline.remaining(ms(now)).duration().is_zero());
        }
    }
}
