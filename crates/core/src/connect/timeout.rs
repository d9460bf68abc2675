//! The value of a `connect-timeout-ms` header.

use std::time::Duration;

use crate::Timeout;

/// The error of a malformed `connect-timeout-ms` header. Its text quotes the value and says what is expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed connect-timeout-ms {0:?}: expected one to ten digits, such as 250")]
pub struct ParseTimeoutError(String);

/// Parses a `connect-timeout-ms` header: milliseconds, in one to ten digits.
///
/// ```
/// use drawbridge_core::connect::parse_timeout;
///
/// assert_eq!(parse_timeout("1500").unwrap().duration().as_millis(), 1500);
/// assert!(parse_timeout("1.5").is_err());
/// ```
///
/// # Errors
///
/// Returns an error if the text has another form.
pub fn parse_timeout(text: &str) -> Result<Timeout, ParseTimeoutError> {
    let malformed = || ParseTimeoutError(text.to_owned());
    if text.len() > 10 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed());
    }
    let milliseconds = text.parse().map_err(|_| malformed())?;
    Ok(Timeout::from(Duration::from_millis(milliseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_range_is_read_and_fits_grpc_timeout() {
        for (text, grpc) in [
            ("0", "0n"),
            ("0000000001", "1000000n"),
            ("250", "250000u"),
            ("99999999", "99999999m"),
            ("9999999999", "9999999S"),
        ] {
            assert_eq!(parse_timeout(text).unwrap().to_string(), grpc, "{text}");
        }
    }

    #[test]
    fn other_forms_are_malformed() {
        for text in ["", "-1", "+1", "1.5", "1s", " 1", "10000000000", "١"] {
            let error = parse_timeout(text).expect_err(text);
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
