//! Which fields an object has.

/// A set of small numbers. Sets below 64 need no memory.
pub(super) enum Seen {
    Few(u64),
    Many(Vec<u64>),
}

impl Seen {
    /// Makes an empty set of numbers below `count`.
    pub(super) fn new(count: usize) -> Self {
        if count <= 64 { Self::Few(0) } else { Self::Many(vec![0; count.div_ceil(64)]) }
    }

    /// Adds a number. Returns whether it was not there.
    pub(super) fn insert(&mut self, number: usize) -> bool {
        let word = match self {
            Self::Few(word) => word,
            Self::Many(words) => &mut words[number / 64],
        };
        let bit = 1 << (number % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Returns whether a number was added.
    pub(super) fn contains(&self, number: usize) -> bool {
        let word = match self {
            Self::Few(word) => *word,
            Self::Many(words) => words[number / 64],
        };
        word & 1 << (number % 64) != 0
    }
}
