//! The name of a call.

use std::fmt;
use std::hash::Hasher;

/// Names one call on one server: 128 random bits, so that nobody can guess the name of somebody else's call.
/// Its text form is 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(u128);

impl CallId {
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Hashes call ids by taking bits of them: they are random, and nobody but the server chooses them.
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
