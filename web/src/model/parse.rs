//! Numbers that a user writes into a field.
//!
//! `str::parse` and floats would add kilobytes to the page, so digits are read here.

use std::time::Duration;

/// Parses a whole number of up to nine digits. Blank text is `None`.
///
/// # Errors
///
/// Returns the message to show beside the field.
pub(crate) fn whole_number(text: &str) -> Result<Option<u32>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    digits(text).map(Some).ok_or_else(|| format!("{text:?} is not a whole number."))
}

/// Parses a number of seconds, to the millisecond, such as `2` or `0.25`. Blank text is `None`.
///
/// # Errors
///
/// Returns the message to show beside the field.
pub(crate) fn seconds(text: &str) -> Result<Option<Duration>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    match (digits(whole), digits(&format!("{fraction:0<3}"))) {
        (Some(seconds), Some(milliseconds)) if whole.len() + fraction.len() > 0 && fraction.len() <= 3 => {
            Ok(Some(Duration::from_secs(seconds.into()) + Duration::from_millis(milliseconds.into())))
        }
        _ => Err(format!("{text:?} is not a number of seconds. Enter a number such as 2 or 0.25.")),
    }
}

/// Parses up to nine digits. No digits are zero.
fn digits(text: &str) -> Option<u32> {
    let are_digits = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| text.bytes().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_numbers_have_up_to_nine_digits() {
        assert_eq!(whole_number(" "), Ok(None));
        assert_eq!(whole_number(" 17 "), Ok(Some(17)));
        assert_eq!(whole_number("999999999"), Ok(Some(999_999_999)));
        for text in ["two", "-1", "1.5", "1234567890"] {
            assert!(whole_number(text).is_err_and(|message| message.contains(text)), "{text}");
        }
    }

    #[test]
    fn seconds_are_parsed_to_the_millisecond() {
        for (text, milliseconds) in
            [("2", 2_000), (" 0.25 ", 250), ("0,5", 500), (".5", 500), ("3.", 3_000), ("0", 0)]
        {
            assert_eq!(seconds(text), Ok(Some(Duration::from_millis(milliseconds))), "{text}");
        }
        assert_eq!(seconds(" "), Ok(None));
    }

    #[test]
    fn the_message_quotes_text_that_is_not_a_number_of_seconds() {
        for text in ["two", "-1", "+1", "1e3", ".", "1.2345", "1.2.3", "1234567890", "½", "1 s"] {
            assert!(seconds(text).is_err_and(|message| message.contains(text)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_rejected(text in ".{0,12}") {
            let _ = (whole_number(&text), seconds(&text));
        }

        #[test]
        fn every_millisecond_can_be_written(whole in 0_u64..1_000_000_000, milliseconds in 0_u64..1_000) {
            let parsed = seconds(&format!("{whole}.{milliseconds:03}"));
            prop_assert_eq!(parsed, Ok(Some(Duration::from_millis(whole * 1_000 + milliseconds))));
        }
    }
}
