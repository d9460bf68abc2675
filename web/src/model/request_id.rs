//! The request id: one label for all hops and attempts of a request.

/// The metadata name of the request id.
pub(crate) const X_REQUEST_ID: &str = "x-request-id";

/// Makes a request id of 32 hexadecimal digits from numbers that are evenly distributed in 0..1.
///
/// The page asks the servers for their records by this id. It is not a secret.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the product is 0 to 15")]
pub(crate) fn request_id(mut random: impl FnMut() -> f64) -> String {
    const DIGITS: &[u8] = b"0123456789abcdef";
    (0..32).map(|_| char::from(DIGITS[(random() * 16.0) as usize & 15])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_32_hexadecimal_digits_for_any_random_number() {
        for random in [-1.0, 0.0, 0.5, 0.999_999, 1.0, f64::NAN] {
            let id = request_id(|| random);
            assert_eq!(id.len(), 32, "{random}");
            assert!(id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
        }
        let mut numbers = (0..32).map(|number| f64::from(number) / 32.0);
        assert_eq!(request_id(|| numbers.next().unwrap()), "00112233445566778899aabbccddeeff");
    }
}
