//! `google.protobuf.Duration` as text: seconds with `s` behind them.

use crate::timestamp::{fraction, write_fraction};

/// About 10,000 years.
const MAX_SECONDS: i64 = 315_576_000_000;

/// Returns seconds and nanoseconds, of the same sign, or `None` if the text is no duration.
pub(crate) fn parse(text: &str) -> Option<(i64, i32)> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let text = text.strip_suffix('s')?.as_bytes();
    let whole = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=12).contains(&whole) {
        return None;
    }
    let seconds: i64 = std::str::from_utf8(&text[..whole]).ok()?.parse().ok()?;
    let (nanos, rest) = fraction(&text[whole..])?;
    if !rest.is_empty() || seconds > MAX_SECONDS {
        return None;
    }
    Some(if negative { (-seconds, -nanos) } else { (seconds, nanos) })
}

/// Writes a duration with 0, 3, 6 or 9 digits behind the point, or returns `None` if it is out of range or its parts have
/// different signs.
pub(crate) fn write(out: &mut Vec<u8>, seconds: i64, nanos: i32) -> Option<()> {
    let in_range =
        seconds.unsigned_abs() <= MAX_SECONDS.unsigned_abs() && nanos.unsigned_abs() < 1_000_000_000;
    if !in_range || (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0) {
        return None;
    }
    if seconds < 0 || nanos < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(itoa::Buffer::new().format(seconds.unsigned_abs()).as_bytes());
    write_fraction(out, nanos.abs());
    out.push(b's');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(seconds: i64, nanos: i32) -> Option<String> {
        let mut out = Vec::new();
        write(&mut out, seconds, nanos)?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn durations_are_read_and_written() {
        for (text, seconds, nanos) in [
            ("0s", 0, 0),
            ("1.500s", 1, 500_000_000),
            ("-0.500s", 0, -500_000_000),
            ("-1.000000001s", -1, -1),
            ("315576000000.999999999s", MAX_SECONDS, 999_999_999),
            ("-315576000000s", -MAX_SECONDS, 0),
        ] {
            assert_eq!(parse(text), Some((seconds, nanos)), "{text}");
            assert_eq!(written(seconds, nanos).as_deref(), Some(text));
        }
        assert_eq!(parse("0.1s"), Some((0, 100_000_000)));
    }

    #[test]
    fn other_texts_and_values_are_rejected() {
        for text in [
            "",
            "s",
            "1",
            "+1s",
            "--1s",
            " 1s",
            "1 s",
            "1S",
            ".5s",
            "1.s",
            "1.0000000000s",
            "1e3s",
            "315576000001s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        for (seconds, nanos) in
            [(MAX_SECONDS + 1, 0), (i64::MIN, 0), (0, 1_000_000_000), (1, -1), (-1, 1), (0, i32::MIN)]
        {
            assert_eq!(written(seconds, nanos), None);
        }
    }
}
