//! Times as people write them.

use std::time::Duration;

use drawbridge_core::Timeout;

/// Reads a number and a unit of `ms`, `s`, `m` or `h`.
///
/// # Errors
///
/// Returns words that say what a time is.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!("{text:?} is not a time: expected a number and a unit of ms, s, m or h, such as 250ms or 30s")
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 'm',
        "s" => 'S',
        "m" => 'M',
        "h" => 'H',
        _ => return Err(wrong()),
    };
    let time: Timeout = format!("{number}{unit}").parse().map_err(|_| wrong())?;
    Ok(time.duration())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("5m"), Ok(Duration::from_secs(300)));
        for text in ["30", "s", "-1s", "1.5s", "", "999999999s", "10 s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
