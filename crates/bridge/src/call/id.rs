//! The id of a call.

use std::fmt;
use std::hash::Hasher;
use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::random;

const DIGITS: usize = 32;

/// The id of one call on one server: 128 random bits, so that the id of another caller's call cannot be guessed. Its text form
/// is 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(u128);

impl CallId {
    pub(crate) fn random() -> Self {
        Self(u128::from_ne_bytes(random::bytes()))
    }

    /// Writes the id into the head of a request.
    pub(crate) fn write(self, headers: &mut HeaderMap, name: HeaderName) {
        if let Ok(mut value) = HeaderValue::try_from(self.to_string()) {
            // Used once, so not worth an entry in the table that compresses headers.
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for CallId {
    type Err = ParseCallIdError;

    fn from_str(text: &str) -> Result<Self, ParseCallIdError> {
        let digits = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = if digits { u128::from_str_radix(text, 16).ok() } else { None };
        id.map(Self).ok_or(ParseCallIdError)
    }
}

/// The text is not the id of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a call: expected {DIGITS} hexadecimal digits")]
pub struct ParseCallIdError;

/// Hashes call ids by taking bits of them: they are random, and only the server chooses them.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write_u128(&mut self, id: u128) {
        #[expect(clippy::cast_possible_truncation, reason = "half of the bits are enough")]
        let half = id as u64;
        self.0 = half;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a call id is one number");
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = CallId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "0", "+0000000000000000000000000000000", "g0000000000000000000000000000000"] {
            assert_eq!(text.parse::<CallId>(), Err(ParseCallIdError), "{text}");
        }
    }
}
