//! Durations and keys as text.

use std::time::Duration;

/// Formats a duration in seconds and tenths, such as `3.4 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{}.{} s", duration.as_secs(), duration.subsec_millis() / 100)
}

/// Formats an elapsed time: milliseconds below a tenth of a second, seconds and tenths from there.
pub(crate) fn elapsed(duration: Duration) -> String {
    if duration < Duration::from_millis(100) {
        format!("{} ms", duration.subsec_millis())
    } else {
        seconds(duration)
    }
}

/// Formats a duration to the millisecond, and below 10 ms to a tenth of one, such as `2.304 s` or `1.2 ms`.
pub(crate) fn precise(duration: Duration) -> String {
    let (seconds, milliseconds) = (duration.as_secs(), duration.subsec_millis());
    if seconds > 0 {
        format!("{seconds}.{milliseconds:03} s")
    } else if milliseconds < 10 {
        format!("{milliseconds}.{} ms", duration.subsec_micros() % 1_000 / 100)
    } else {
        format!("{milliseconds} ms")
    }
}

/// Formats whole milliseconds without a unit, for the attributes of a progress bar.
pub(crate) fn milliseconds(duration: Duration) -> String {
    let seconds = duration.as_secs();
    // `as_millis` returns 128 bits, and the code that formats those is large.
    (seconds.saturating_mul(1_000) + u64::from(duration.subsec_millis())).to_string()
}

/// Formats a duration to the millisecond without trailing zeros, such as `0.25 s` or `2 s`.
pub(crate) fn exact_seconds(duration: Duration) -> String {
    let written = format!("{}.{:03}", duration.as_secs(), duration.subsec_millis());
    format!("{} s", written.trim_end_matches('0').trim_end_matches('.'))
}

/// Formats a stream's key where it stands alone, so that an empty key is visible.
pub(crate) fn key(key: &str) -> String {
    if key.is_empty() { "(empty key)".to_owned() } else { key.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks what `format` makes of each number of microseconds.
    #[track_caller]
    fn assert_formats<const N: usize>(format: fn(Duration) -> String, cases: [(u64, &str); N]) {
        for (microseconds, text) in cases {
            assert_eq!(format(Duration::from_micros(microseconds)), text);
        }
    }

    #[test]
    fn seconds_are_truncated_to_tenths() {
        let cases = [(0, "0.0 s"), (99_000, "0.0 s"), (3_456_000, "3.4 s"), (61_000_000, "61.0 s")];
        assert_formats(seconds, cases);
    }

    #[test]
    fn a_progress_bar_counts_whole_milliseconds() {
        assert_formats(milliseconds, [(61_002_999, "61002")]);
    }

    #[test]
    fn an_elapsed_time_below_a_tenth_of_a_second_is_in_milliseconds() {
        let cases = [(0, "0 ms"), (99_000, "99 ms"), (100_000, "0.1 s"), (3_456_000, "3.4 s")];
        assert_formats(elapsed, cases);
    }

    #[test]
    fn short_durations_are_more_precise() {
        let cases = [
            (0, "0.0 ms"),
            (1_290, "1.2 ms"),
            (10_999, "10 ms"),
            (999_999, "999 ms"),
            (2_304_900, "2.304 s"),
        ];
        assert_formats(precise, cases);
    }

    #[test]
    fn exact_seconds_have_no_trailing_zeros() {
        let cases = [(0, "0 s"), (250_000, "0.25 s"), (10_000_000, "10 s"), (1_001_000, "1.001 s")];
        assert_formats(exact_seconds, cases);
    }

    #[test]
    fn an_empty_key_is_visible() {
        assert_eq!(key(""), "(empty key)");
        assert_eq!(key("a b"), "a b");
    }
}
