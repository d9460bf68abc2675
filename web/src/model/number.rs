//! A whole number as a person writes it.

/// Reads up to nine digits, of which none at all are zero. Anything else is no number. The general way to read one is
/// heavy.
pub(super) fn number(digits: &str) -> Option<u32> {
    let are_digits = digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| digits.bytes().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
}
