//! Numbers from their digits, so that no bit is lost.

/// Returns the integer that a number of JSON's grammar stands for, or `None` if it has a fraction or more than 20 digits.
///
/// `1e5`, `10.0` and `0.5e1` are integers.
pub(super) fn integer(number: &str) -> Option<i128> {
    let (negative, magnitude) = match number.strip_prefix('-') {
        Some(magnitude) => (true, magnitude),
        None => (false, number),
    };
    let magnitude = if magnitude.len() <= 18 && magnitude.bytes().all(|byte| byte.is_ascii_digit()) {
        magnitude.parse().ok()?
    } else {
        decimal(magnitude)?
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Returns a number without a sign.
fn decimal(number: &str) -> Option<i128> {
    let (mantissa, exponent) = match number.find(['e', 'E']) {
        Some(at) => (&number[..at], exponent(&number[at + 1..])),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    let total = whole.len() + fraction.len();
    let Some(leading) = digits().position(|digit| digit != b'0') else { return Some(0) };
    let trailing = digits().rev().position(|digit| digit != b'0')?;
    // The power of ten of the last digit that is not zero.
    let power = exponent + i64::try_from(trailing).ok()? - i64::try_from(fraction.len()).ok()?;
    let significant = total - leading - trailing;
    let power = u32::try_from(power).ok().filter(|power| significant as u64 + u64::from(*power) <= 20)?;
    let value = digits()
        .skip(leading)
        .take(significant)
        .fold(0, |value, digit| value * 10 + i128::from(digit - b'0'));
    Some(value * 10_i128.pow(power))
}

/// Returns an exponent. One that does not fit is as good as a large one.
fn exponent(text: &str) -> i64 {
    const LARGE: i64 = 1 << 40;
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.trim_start_matches(['+', '-']);
    sign * digits.parse().unwrap_or(LARGE).min(LARGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_in_every_spelling() {
        for (text, value) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("0e999999999999999999999", Some(0)),
            ("1e5", Some(100_000)),
            ("1.0", Some(1)),
            ("-12.50e1", Some(-125)),
            ("0.5e1", Some(5)),
            ("100e-2", Some(1)),
            ("9007199254740993", Some(9_007_199_254_740_993)),
            ("18446744073709551615", Some(i128::from(u64::MAX))),
            ("1.8446744073709551615e19", Some(i128::from(u64::MAX))),
            ("18446744073709551616", Some(i128::from(u64::MAX) + 1)),
            ("1.5", None),
            ("1e-1", None),
            ("1e20", None),
            ("1e99999999999999999999", None),
            ("1e-99999999999999999999", None),
        ] {
            assert_eq!(integer(text), value, "{text}");
        }
    }
}
