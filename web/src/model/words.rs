//! Small things as text.

use std::time::Duration;

/// Writes a duration in seconds and tenths, such as `3.4 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// Writes a duration as a person would: to the millisecond, and no digit more than it takes, such as `0.25 s` or `2 s`.
pub(crate) fn exact_seconds(duration: Duration) -> String {
    let written = format!("{}.{:03}", duration.as_secs(), duration.subsec_millis());
    format!("{} s", written.trim_end_matches('0').trim_end_matches('.'))
}

/// Writes a duration as machines read it in a `<time>` element, such as `PT3.4S`. Without a float: the code that
/// writes those is heavy.
pub(crate) fn machine_readable(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    format!("PT{}.{}S", tenths / 10, tenths % 10)
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
        assert_eq!(machine_readable(Duration::from_millis(3_456)), "PT3.4S");
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
