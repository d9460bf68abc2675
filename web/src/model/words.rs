//! Small things as text.

use std::time::Duration;

/// Writes a duration in seconds and tenths, such as `3.4 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{}.{} s", duration.as_secs(), duration.subsec_millis() / 100)
}

/// Writes how long something took: in seconds and tenths, or in milliseconds where those would say nothing.
pub(crate) fn took(duration: Duration) -> String {
    if duration < Duration::from_millis(100) {
        format!("{} ms", duration.subsec_millis())
    } else {
        seconds(duration)
    }
}

/// Writes a duration to the millisecond, and to the tenth of one where there are few, such as `2.304 s` or `1.2 ms`.
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

/// Writes a duration in whole milliseconds, as the attributes of a bar have it.
pub(crate) fn milliseconds(duration: Duration) -> String {
    let seconds = duration.as_secs();
    // Not of the 128 bits that `as_millis` has: the code that writes those is heavy.
    (seconds.saturating_mul(1_000) + u64::from(duration.subsec_millis())).to_string()
}

/// Writes a duration as a person would: to the millisecond, and no digit more than it takes, such as `0.25 s` or `2 s`.
pub(crate) fn exact_seconds(duration: Duration) -> String {
    let written = format!("{}.{:03}", duration.as_secs(), duration.subsec_millis());
    format!("{} s", written.trim_end_matches('0').trim_end_matches('.'))
}

/// Writes a key where it stands alone: the empty one would not be seen.
pub(crate) fn key(key: &str) -> String {
    if key.is_empty() { "(empty key)".to_owned() } else { key.to_owned() }
}

/// Says which streams a leave has dropped.
pub(crate) fn dropped(keys: &[String]) -> String {
    match keys {
        [one] => format!("You left, so this stream was dropped: {}.", key(one)),
        keys => {
            let listed: Vec<_> = keys.iter().map(|one| key(one)).collect();
            format!("You left, so these {} streams were dropped: {}.", keys.len(), listed.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_cut_to_tenths() {
        for (milliseconds, words) in [(0, "0.0 s"), (99, "0.0 s"), (3_456, "3.4 s"), (61_000, "61.0 s")] {
            assert_eq!(seconds(Duration::from_millis(milliseconds)), words);
        }
    }

    #[test]
    fn bars_are_drawn_to_the_millisecond() {
        assert_eq!(milliseconds(Duration::from_micros(61_002_999)), "61002");
    }

    #[test]
    fn what_was_quick_is_told_in_milliseconds() {
        for (milliseconds, words) in [(0, "0 ms"), (99, "99 ms"), (100, "0.1 s"), (3_456, "3.4 s")] {
            assert_eq!(took(Duration::from_millis(milliseconds)), words);
        }
    }

    #[test]
    fn what_is_short_is_told_more_exactly() {
        for (microseconds, words) in
            [(0, "0.0 ms"), (1_290, "1.2 ms"), (10_999, "10 ms"), (999_999, "999 ms"), (2_304_900, "2.304 s")]
        {
            assert_eq!(precise(Duration::from_micros(microseconds)), words);
        }
    }

    #[test]
    fn a_limit_is_told_as_it_was_asked() {
        for (milliseconds, words) in [(0, "0 s"), (250, "0.25 s"), (10_000, "10 s"), (1_001, "1.001 s")] {
            assert_eq!(exact_seconds(Duration::from_millis(milliseconds)), words);
        }
    }

    #[test]
    fn the_empty_key_can_be_read() {
        assert_eq!(key(""), "(empty key)");
        assert_eq!(key("a b"), "a b");
    }

    #[test]
    fn each_dropped_stream_is_named() {
        assert_eq!(dropped(&["a".to_owned()]), "You left, so this stream was dropped: a.");
        assert_eq!(
            dropped(&["a".to_owned(), String::new()]),
            "You left, so these 2 streams were dropped: a, (empty key)."
        );
    }
}
