//! The label by which servers can be asked what became of a request.

/// Makes a label of 32 hexadecimal digits out of numbers that are evenly distributed in 0..1.
///
/// It travels as `x-request-id`, and all hops and attempts of the request share it. It is no secret.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the product is 0 to 15")]
pub(crate) fn request_id(mut random: impl FnMut() -> f64) -> String {
    const DIGITS: &[u8] = b"0123456789abcdef";
    (0..32).map(|_| char::from(DIGITS[(random() * 16.0) as usize & 15])).collect()
}

/// The name of the metadata that carries it.
pub(crate) const X_REQUEST_ID: &str = "x-request-id";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_32_hexadecimal_digits_whatever_chance_gives() {
        for random in [-1.0, 0.0, 0.5, 0.999_999, 1.0, f64::NAN] {
            let label = request_id(|| random);
            assert_eq!(label.len(), 32, "{random}");
            assert!(label.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
        }
        let mut numbers = (0..32).map(|number| f64::from(number) / 32.0);
        assert_eq!(request_id(|| numbers.next().unwrap()), "00112233445566778899aabbccddeeff");
    }
}
