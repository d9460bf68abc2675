//! Durations as people write them in configuration.

use std::time::Duration;

use crate::Timeout;

/// Parses a number and a unit of `ms`, `s`, `m` or `h`, such as `250ms` or `30s`.
///
/// # Errors
///
/// Returns a message that quotes the text and says what is expected.
///
/// ```
/// use drawbridge_core::duration;
/// use std::time::Duration;
///
/// assert_eq!(duration::parse("250ms"), Ok(Duration::from_millis(250)));
/// assert!(duration::parse("30").is_err());
/// ```
pub fn parse(text: &str) -> Result<Duration, String> {
    let invalid = || {
        format!(
            "{text:?} is not a duration: expected a number and a unit of ms, s, m or h, such as 250ms or 30s"
        )
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 'm',
        "s" => 'S',
        "m" => 'M',
        "h" => 'H',
        _ => return Err(invalid()),
    };
    let timeout: Timeout = format!("{number}{unit}").parse().map_err(|_| invalid())?;
    Ok(timeout.duration())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("5m"), Ok(Duration::from_secs(300)));
        for text in ["30", "s", "-1s", "1.5s", "", "999999999s", "10 s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fuzz_a_duration_is_its_number_of_its_unit() {
        let check = bolero::check!().with_type::<(u32, u8)>();
        check.with_iterations(20_000).for_each(|(number, unit)| {
            let (unit, milliseconds) =
                [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)][usize::from(unit % 4)];
            let expected = Duration::from_millis(u64::from(*number) * milliseconds);
            let parsed = parse(&format!("{number}{unit}"));
            assert_eq!(parsed.ok(), (*number <= 99_999_999).then_some(expected));
        });
    }

    #[test]
    fn fuzz_the_error_of_any_text_quotes_it() {
        bolero::check!().with_type::<String>().with_iterations(20_000).for_each(|text| {
            if let Err(error) = parse(text) {
                assert!(error.starts_with(&format!("{text:?}")), "{error}");
            }
        });
    }
}
