//! How long to wait after failures in a row.

use std::time::Duration;

use crate::random;

/// A time that doubles with each failure in a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    /// After the first failure.
    pub(super) first: Duration,
    pub(super) longest: Duration,
    /// The largest random deviation, as a part of the time.
    pub(super) jitter: f64,
}

impl Backoff {
    /// Returns how long to wait after this many failures in a row, at least one.
    pub(super) fn after(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        let time = self.first.saturating_mul(1 << doublings).min(self.longest);
        time.mul_f64(1.0 - self.jitter + 2.0 * self.jitter * random::fraction())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_the_longest() {
        let (first, longest) = (Duration::from_secs(1), Duration::from_secs(60));
        let exact = Backoff { first, longest, jitter: 0.0 };
        let times = [1, 2, 3, 6, 7, 1_000].map(|failures| exact.after(failures).as_secs());
        assert_eq!(times, [1, 2, 4, 32, 60, 60]);
        let with_jitter = Backoff { jitter: 0.5, ..exact };
        for _ in 0..1_000 {
            assert!((30..90).contains(&with_jitter.after(9).as_secs()));
        }
    }
}
