//! How a person writes that attempts shall fail, and how often to try.

use std::time::Duration;

use drawbridge_fetch::RetryPolicy;
use drawbridge_proto::user::FailFirst;
use tonic::Code;

use super::number::number;

/// The most attempts that a call can have.
const MOST_ATTEMPTS: u32 = 5;

/// Returns how this page tries again: `UNAVAILABLE` alone, and slowly enough to be watched.
pub(crate) fn policy(attempts: u32) -> RetryPolicy {
    let (first, longest) = (Duration::from_millis(300), Duration::from_secs(5));
    RetryPolicy::new(attempts, [Code::Unavailable]).with_backoff(first, 2.0, longest)
}

/// Reads how many attempts a call may have. Nothing but blanks means one.
///
/// # Errors
///
/// Says in words what is wrong with the text, as the others here do.
pub(crate) fn attempts(text: &str) -> Result<u32, String> {
    match whole(text)? {
        None => Ok(1),
        Some(attempts @ 1..=MOST_ATTEMPTS) => Ok(attempts),
        Some(_) => Err(format!("A call has 1 to {MOST_ATTEMPTS} attempts, not {}.", text.trim())),
    }
}

/// Reads which attempts shall fail, with which code, and what they say of when to come back. Nothing but blanks, or zero
/// attempts, means that none fails.
pub(crate) fn fail_first(first: &str, code: &str, pushback: &str) -> Result<Option<FailFirst>, String> {
    let attempts = whole(first)?.unwrap_or_default();
    let (negative, size) = match pushback.trim().strip_prefix('-') {
        Some(size) => (true, size),
        None => (false, pushback),
    };
    let size = whole(size)?.and_then(|size| i32::try_from(size).ok());
    let pushback_ms = size.map(|size| if negative { -size } else { size });
    let code = whole(code)?.unwrap_or(Code::Unavailable as u32);
    Ok((attempts > 0).then_some(FailFirst { attempts, code, pushback_ms }))
}

/// Reads a whole number, of at most nine digits.
fn whole(text: &str) -> Result<Option<u32>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    number(text).map(Some).ok_or_else(|| format!("{text:?} is no whole number."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn attempts_are_one_to_five() {
        assert_eq!(attempts(" "), Ok(1));
        assert_eq!(attempts(" 5 "), Ok(5));
        for text in ["0", "6", "999999999"] {
            assert!(attempts(text).is_err_and(|words| words.contains(text)));
        }
        for text in ["two", "-1", "1.5", "1234567890"] {
            assert!(attempts(text).is_err_and(|words| words.contains("no whole number")), "{text}");
        }
    }

    #[test]
    fn what_shall_fail_is_read() {
        let fail = |attempts, code, pushback_ms| Ok(Some(FailFirst { attempts, code, pushback_ms }));
        assert_eq!(fail_first("", "14", ""), Ok(None));
        assert_eq!(fail_first("0", "14", "5"), Ok(None));
        assert_eq!(fail_first("2", "", ""), fail(2, 14, None));
        assert_eq!(fail_first("2", "13", "700"), fail(2, 13, Some(700)));
        assert_eq!(fail_first("1", "14", "-1"), fail(1, 14, Some(-1)));
        assert!(fail_first("1", "14", "soon").is_err());
        assert!(fail_first("1", "14", "--1").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,12}") {
            let _ = (attempts(&text), fail_first(&text, &text, &text));
        }
    }
}
