//! Injected failures and the page's retry policy, as a user writes them.

use std::time::Duration;

use drawbridge_fetch::RetryPolicy;
use drawbridge_proto::user::FailFirst;
use tonic::Code;

use super::parse::whole_number;

/// The most attempts that gRPC allows for a call.
const MAX_ATTEMPTS: u32 = 5;

/// Returns the page's retry policy: it retries `UNAVAILABLE`, with a backoff that is long enough to watch.
pub(crate) fn retry_policy(attempts: u32) -> RetryPolicy {
    let (initial, max) = (Duration::from_millis(300), Duration::from_secs(5));
    RetryPolicy::new(attempts, [Code::Unavailable]).with_backoff(initial, 2.0, max)
}

/// Parses the most attempts of a call. Blank text is one attempt.
///
/// # Errors
///
/// Returns the message to show beside the field.
pub(crate) fn parse_attempts(text: &str) -> Result<u32, String> {
    match whole_number(text)? {
        None => Ok(1),
        Some(attempts @ 1..=MAX_ATTEMPTS) => Ok(attempts),
        Some(_) => Err(format!("A call can have 1 to {MAX_ATTEMPTS} attempts, not {}.", text.trim())),
    }
}

/// Parses which attempts a service fails: the number of attempts, the status code, and the retry pushback in milliseconds.
/// Blank text or zero attempts mean no injected failures.
///
/// # Errors
///
/// Returns the message to show beside the field.
pub(crate) fn parse_fail_first(
    attempts: &str,
    code: &str,
    pushback: &str,
) -> Result<Option<FailFirst>, String> {
    let attempts = whole_number(attempts)?.unwrap_or_default();
    let (negative, size) = match pushback.trim().strip_prefix('-') {
        Some(size) => (true, size),
        None => (false, pushback),
    };
    let size = whole_number(size)?.and_then(|size| i32::try_from(size).ok());
    let pushback_ms = size.map(|size| if negative { -size } else { size });
    let code = whole_number(code)?.unwrap_or(Code::Unavailable as u32);
    Ok((attempts > 0).then_some(FailFirst { attempts, code, pushback_ms }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_call_has_one_to_five_attempts() {
        assert_eq!(parse_attempts(" "), Ok(1));
        assert_eq!(parse_attempts(" 5 "), Ok(5));
        for text in ["0", "6", "999999999", "two", "-1"] {
            assert!(parse_attempts(text).is_err_and(|message| message.contains(text)), "{text}");
        }
    }

    #[test]
    fn injected_failures_are_parsed() {
        let fail = |attempts, code, pushback_ms| Ok(Some(FailFirst { attempts, code, pushback_ms }));
        assert_eq!(parse_fail_first("", "14", ""), Ok(None));
        assert_eq!(parse_fail_first("0", "14", "5"), Ok(None));
        assert_eq!(parse_fail_first("2", "", ""), fail(2, 14, None));
        assert_eq!(parse_fail_first("2", "13", "700"), fail(2, 13, Some(700)));
        assert_eq!(parse_fail_first("1", "14", "-1"), fail(1, 14, Some(-1)));
        assert!(parse_fail_first("1", "14", "soon").is_err());
        assert!(parse_fail_first("1", "14", "--1").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_rejected(text in ".{0,12}") {
            let _ = (parse_attempts(&text), parse_fail_first(&text, &text, &text));
        }
    }
}
