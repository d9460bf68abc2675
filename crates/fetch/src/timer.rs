//! The arithmetic of a browser's timers.

use std::time::Duration;

/// Returns for how many milliseconds to set a timer when this time is left.
///
/// A browser counts in a signed 32-bit number of milliseconds, which is less than 25 days: a longer time takes several
/// timers, one after the other. What is left is rounded up, so that the last timer does not ring just before the time.
pub(crate) fn leg_ms(left: Duration) -> i32 {
    i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_never_rings_too_early() {
        for (left, expected) in [
            (Duration::ZERO, 0),
            (Duration::from_nanos(1), 1),
            (Duration::from_millis(1), 1),
            (Duration::from_micros(1_001), 2),
            (Duration::from_secs(3600), 3_600_000),
        ] {
            assert_eq!(leg_ms(left), expected, "{left:?}");
        }
    }

    #[test]
    fn a_long_time_is_walked_in_legs() {
        let mut left = Duration::from_hours(24 * 60);
        let mut legs = 0;
        while !left.is_zero() {
            let leg = Duration::from_millis(u64::try_from(leg_ms(left)).unwrap());
            left = left.checked_sub(leg).expect("no leg is longer than what is left");
            legs += 1;
        }
        assert_eq!(legs, 3);
        assert_eq!(leg_ms(Duration::MAX), i32::MAX);
    }
}
