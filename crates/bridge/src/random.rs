//! Random numbers of the operating system, fetched in batches: ids have to be unguessable, and each fetch is a system call.

use std::cell::RefCell;

/// How many bytes are fetched at once.
const BATCH: usize = 512;

struct Batch {
    bytes: [u8; BATCH],
    used: usize,
}

thread_local! {
    static CURRENT: RefCell<Batch> = const { RefCell::new(Batch { bytes: [0; BATCH], used: BATCH }) };
}

/// Returns random bytes. Each byte of a batch is returned once.
///
/// # Panics
///
/// Panics if the operating system has no random numbers. No id would be unguessable then.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    const { assert!(N <= BATCH, "a batch has to hold the bytes") };
    CURRENT.with_borrow_mut(|batch| {
        if BATCH - batch.used < N {
            fill(&mut batch.bytes);
            batch.used = 0;
        }
        let mut bytes = [0; N];
        bytes.copy_from_slice(&batch.bytes[batch.used..batch.used + N]);
        batch.used += N;
        bytes
    })
}

#[cfg(not(test))]
fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system has random numbers");
}

#[cfg(test)]
fn fill(bytes: &mut [u8]) {
    seeded::fill(bytes).unwrap_or_else(|| {
        getrandom::fill(bytes).expect("the operating system has random numbers");
    });
}

/// Returns a number that is evenly distributed in 0..1.
pub(crate) fn fraction() -> f64 {
    /// An `f64` has as many bits of precision.
    const BITS: u32 = 53;
    #[expect(clippy::cast_precision_loss, reason = "it has no more bits than the precision")]
    let number = (u64::from_ne_bytes(bytes()) >> (u64::BITS - BITS)) as f64;
    number / 2_f64.powi(53)
}

/// Random numbers that a simulation can repeat.
#[cfg(test)]
pub(crate) mod seeded {
    use std::cell::RefCell;

    #[cfg(feature = "upstream")]
    use super::{BATCH, CURRENT};

    thread_local! {
        static SEEDED: RefCell<Option<fastrand::Rng>> = const { RefCell::new(None) };
    }

    /// From now on, all random numbers of this thread follow from this seed.
    #[cfg(feature = "upstream")]
    pub(crate) fn set(seed: u64) {
        SEEDED.set(Some(fastrand::Rng::with_seed(seed)));
        CURRENT.with_borrow_mut(|batch| batch.used = BATCH);
    }

    pub(super) fn fill(bytes: &mut [u8]) -> Option<()> {
        SEEDED.with_borrow_mut(|seeded| {
            seeded.as_mut()?.fill(bytes);
            Some(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_bytes_come_twice() {
        let all: HashSet<[u8; 16]> = (0..1_000).map(|_| bytes()).collect();
        assert_eq!(all.len(), 1_000);
    }

    #[test]
    fn fractions_are_spread_over_the_whole_range() {
        let mut tenths = [0_u32; 10];
        for _ in 0..10_000 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of 0 to 9")]
            let tenth = (fraction() * 10.0) as usize;
            tenths[tenth] += 1;
        }
        assert!(tenths.iter().all(|count| (800..1_200).contains(count)), "{tenths:?}");
    }
}
