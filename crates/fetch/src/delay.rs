//! The delay of a browser's timer.

use std::time::Duration;

/// Returns the delay, in milliseconds, of a timer that is to expire after this time.
///
/// Browsers hold a delay in a signed 32-bit number, which is less than 25 days. A longer time takes several timers, one
/// after the other. The delay is rounded up, so that a timer does not expire early.
pub(crate) fn delay_ms(left: Duration) -> i32 {
    i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_never_expires_early() {
        for (left, expected) in [
            (Duration::ZERO, 0),
            (Duration::from_nanos(1), 1),
            (Duration::from_millis(1), 1),
            (Duration::from_micros(1_001), 2),
            (Duration::from_secs(3600), 3_600_000),
        ] {
            assert_eq!(delay_ms(left), expected, "{left:?}");
        }
    }

    #[test]
    fn a_long_time_takes_several_timers() {
        let mut left = Duration::from_secs(60 * 24 * 60 * 60);
        let mut timers = 0;
        while !left.is_zero() {
            let delay = Duration::from_millis(u64::try_from(delay_ms(left)).unwrap());
            left = left.checked_sub(delay).expect("no delay is longer than the time that is left");
            timers += 1;
        }
        assert_eq!(timers, 3);
        assert_eq!(delay_ms(Duration::MAX), i32::MAX);
    }
}
