//! `google.protobuf.Timestamp` as text (RFC 3339).

const SECONDS_PER_DAY: i64 = 86_400;
/// 0001-01-01T00:00:00Z.
const MIN: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const MAX: i64 = 253_402_300_799;

/// Returns seconds since 1970 and nanoseconds, or `None` if the text is no timestamp between the years 1 and 9999. `T` and `Z`
/// are capitals; at most nine digits follow the point; there are no leap seconds.
pub(crate) fn parse(text: &str) -> Option<(i64, i32)> {
    let bytes = text.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.into_iter().any(|(at, separator)| bytes.get(at) != Some(&separator)) {
        return None;
    }
    let (year, month, day) = (digits(bytes, 0, 4)?, digits(bytes, 5, 2)?, digits(bytes, 8, 2)?);
    let (hour, minute, second) = (digits(bytes, 11, 2)?, digits(bytes, 14, 2)?, digits(bytes, 17, 2)?);
    let in_range = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    if year < 1 || !in_range || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanos, rest) = fraction(&bytes[19..])?;
    let offset = offset(rest)?;
    let seconds =
        days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset;
    (MIN..=MAX).contains(&seconds).then_some((seconds, nanos))
}

/// Writes a timestamp with 0, 3, 6 or 9 digits behind the point, or returns `None` if it is out of range.
pub(crate) fn write(out: &mut Vec<u8>, seconds: i64, nanos: i32) -> Option<()> {
    if !(MIN..=MAX).contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        return None;
    }
    let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    for (value, width, separator) in [
        (year, 4, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (second / 3600, 2, b':'),
        (second / 60 % 60, 2, b':'),
        (second % 60, 2, 0),
    ] {
        write_digits(out, value, width);
        if separator != 0 {
            out.push(separator);
        }
    }
    write_fraction(out, nanos);
    out.push(b'Z');
    Some(())
}

/// Reads a point and digits, if there is a point. Returns nanoseconds and what follows.
pub(crate) fn fraction(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let Some(rest) = bytes.strip_prefix(b".") else { return Some((0, bytes)) };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let nanos = digits(rest, 0, count)? * 10_i64.pow(9 - u32::try_from(count).ok()?);
    Some((i32::try_from(nanos).ok()?, &rest[count..]))
}

/// Writes a point and 3, 6 or 9 digits, or nothing for zero.
pub(crate) fn write_fraction(out: &mut Vec<u8>, nanos: i32) {
    let nanos = i64::from(nanos);
    let (value, width) = match nanos {
        0 => return,
        _ if nanos % 1_000_000 == 0 => (nanos / 1_000_000, 3),
        _ if nanos % 1000 == 0 => (nanos / 1000, 6),
        _ => (nanos, 9),
    };
    out.push(b'.');
    write_digits(out, value, width);
}

fn write_digits(out: &mut Vec<u8>, value: i64, width: u32) {
    out.extend((0..width).rev().map(|place| b'0' + (value / 10_i64.pow(place) % 10) as u8));
}

/// Reads `Z` or an offset from UTC, and returns it in seconds.
fn offset(bytes: &[u8]) -> Option<i64> {
    if bytes == b"Z" {
        return Some(0);
    }
    let sign = match bytes.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    if bytes.len() != 6 || bytes[3] != b':' {
        return None;
    }
    let (hours, minutes) = (digits(bytes, 1, 2)?, digits(bytes, 4, 2)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

fn digits(bytes: &[u8], at: usize, count: usize) -> Option<i64> {
    bytes
        .get(at..at + count)?
        .iter()
        .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days since 1970-01-01 of a date of the Gregorian calendar. A year begins in March here, so that a leap day is its
/// last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
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
    fn timestamps_are_read_and_written() {
        for (text, seconds, nanos) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("0001-01-01T00:00:00Z", MIN, 0),
            ("9999-12-31T23:59:59.999999999Z", MAX, 999_999_999),
            ("1969-12-31T23:59:59.500Z", -1, 500_000_000),
            ("2024-02-29T12:34:56.000001Z", 1_709_210_096, 1000),
            ("2000-02-29T00:00:00.000000001Z", 951_782_400, 1),
        ] {
            assert_eq!(parse(text), Some((seconds, nanos)), "{text}");
            assert_eq!(written(seconds, nanos).as_deref(), Some(text));
        }
        assert_eq!(parse("1970-01-01T01:30:00.1+01:30"), Some((0, 100_000_000)));
        assert_eq!(parse("1969-12-31T16:00:00-08:00"), Some((0, 0)));
    }

    #[test]
    fn every_day_is_written_as_it_is_read() {
        for day in (MIN / SECONDS_PER_DAY..=MAX / SECONDS_PER_DAY).step_by(13) {
            let text = written(day * SECONDS_PER_DAY, 0).unwrap();
            assert_eq!(parse(&text), Some((day * SECONDS_PER_DAY, 0)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in [
            "",
            "1970-01-01",
            "1970-01-01t00:00:00Z",
            "1970-01-01T00:00:00z",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.1234567890Z",
            "1970-01-01T00:00:60Z",
            "1970-01-01T24:00:00Z",
            "1970-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+0100",
            "1970-1-01T00:00:00Z",
            "+970-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z ",
            "1970-01-01T00:00:0éZ",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(written(MIN - 1, 0), None);
        assert_eq!(written(MAX + 1, 0), None);
        assert_eq!(written(0, -1), None);
        assert_eq!(written(0, 1_000_000_000), None);
    }
}
