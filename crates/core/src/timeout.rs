//! The value of a `grpc-timeout` header.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The largest number of eight digits.
const MAX_VALUE: u128 = 99_999_999;

/// The units of the header from the shortest to the longest, in nanoseconds.
const UNITS: [(char, u128); 6] = [
    ('n', 1),
    ('u', 1_000),
    ('m', 1_000_000),
    ('S', 1_000_000_000),
    ('M', 60_000_000_000),
    ('H', 3_600_000_000_000),
];

/// How long a call may take from the moment at which it is sent or received.
///
/// Its text form is the value of a `grpc-timeout` header: one to eight digits and one unit of `H M S m u n`
/// ([gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)). It is written in the shortest
/// unit in which it has at most eight digits, and rounded down, so that a timeout never grows from hop to hop.
/// Durations above 99,999,999 hours are written as 99,999,999 hours.
///
/// ```
/// use drawbridge_core::Timeout;
/// use std::time::Duration;
///
/// assert_eq!("100m".parse(), Ok(Timeout::from(Duration::from_millis(100))));
/// assert_eq!(Timeout::from(Duration::from_secs(30)).to_string(), "30000000u");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timeout(Duration);

impl Timeout {
    /// Returns the timeout as a duration.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl From<Duration> for Timeout {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let finest = UNITS.iter().find(|(_, length)| nanos / length <= MAX_VALUE);
        let (unit, length) = finest.unwrap_or(&UNITS[UNITS.len() - 1]);
        // In 32 bits, for the sake of the page: no other code of it formats 128 bits.
        let value = u32::try_from((nanos / length).min(MAX_VALUE)).map_err(|_| fmt::Error)?;
        write!(f, "{value}{unit}")
    }
}

/// The error of a malformed `grpc-timeout` header. Its text quotes the value and says what is expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "malformed grpc-timeout {0:?}: expected one to eight digits and one unit of H, M, S, m, u or n, such as 250m"
)]
pub struct ParseTimeoutError(String);

impl FromStr for Timeout {
    type Err = ParseTimeoutError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || ParseTimeoutError(text.to_owned());
        let unit = text.chars().next_back().ok_or_else(malformed)?;
        let (_, length) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(malformed)?;
        let digits = &text[..text.len() - unit.len_utf8()];
        if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(malformed());
        }
        let nanos = digits.parse::<u128>().map_err(|_| malformed())? * length;
        let seconds = u64::try_from(nanos / 1_000_000_000).map_err(|_| malformed())?;
        let rest = u32::try_from(nanos % 1_000_000_000).map_err(|_| malformed())?;
        Ok(Self(Duration::new(seconds, rest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_unit_is_read() {
        for (text, expected) in [
            ("1H", Duration::from_secs(3600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("4m", Duration::from_millis(4)),
            ("5u", Duration::from_micros(5)),
            ("6n", Duration::from_nanos(6)),
            ("0m", Duration::ZERO),
            ("00000001S", Duration::from_secs(1)),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
        ] {
            assert_eq!(text.parse(), Ok(Timeout(expected)), "{text}");
        }
    }

    #[test]
    fn the_error_quotes_a_malformed_timeout() {
        for text in ["", "m", "1", "1s", "1 m", "-1m", "+1m", "1.5S", "123456789m", "1mm", "１m", "1µ", "١m"]
        {
            let error = text.parse::<Timeout>().expect_err(text);
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn more_than_eight_digits_take_the_next_unit() {
        for (duration, text) in [
            (Duration::ZERO, "0n"),
            (Duration::from_nanos(99_999_999), "99999999n"),
            (Duration::from_nanos(100_000_000), "100000u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_secs(100_000), "100000S"),
            (Duration::from_secs(100_000_000), "1666666M"),
            (Duration::MAX, "99999999H"),
        ] {
            assert_eq!(Timeout(duration).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn a_written_timeout_parses_and_never_grows(nanos in any::<u64>()) {
            let timeout = Timeout(Duration::from_nanos(nanos));
            let text = timeout.to_string();
            let read: Timeout = text.parse().expect("a written timeout");
            prop_assert!(text.len() <= 9);
            prop_assert!(read <= timeout);
            // Rounding removes less than one part in a million.
            prop_assert!(timeout.0.abs_diff(read.0) <= timeout.0 / 1_000_000);
        }

        #[test]
        fn no_text_panics(text in ".{0,12}") {
            let _ = text.parse::<Timeout>();
        }

        #[test]
        fn the_whole_grammar_is_read(value in 0u32..=99_999_999, unit in "[HMSmun]") {
            let text = format!("{value}{unit}");
            prop_assert!(text.parse::<Timeout>().is_ok());
        }
    }

    #[test]
    fn fuzz_a_text_is_a_timeout_if_the_grammar_says_so() {
        let check = bolero::check!().with_type::<Vec<u8>>();
        check.with_iterations(50_000).for_each(|bytes| {
            // Mostly digits and units, and now and then any other character.
            let pick = |byte: &u8| {
                let common = b"0123456789HMSmun";
                common.get(usize::from(byte / 12)).map_or(char::from(*byte), |byte| char::from(*byte))
            };
            let text: String = bytes.iter().take(12).map(pick).collect();
            let is_valid = match text.as_bytes() {
                [digits @ .., unit] => {
                    b"HMSmun".contains(unit)
                        && (1..=8).contains(&digits.len())
                        && digits.iter().all(u8::is_ascii_digit)
                }
                [] => false,
            };
            assert_eq!(text.parse::<Timeout>().is_ok(), is_valid, "{text:?}");
        });
    }
}
