//! Chooses one of several addresses: the better of two random ones.

use crate::random;

/// Latencies below this are equal, in seconds: what differs is the noise of machines.
const LEAST_LATENCY: f64 = 0.005;

/// How many times the cost of another address makes an address worse, whatever the noise.
const CLEARLY: f64 = 2.0;

/// What one more call to an address costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// How many calls are open.
    pub(super) open: usize,
    /// How long a call is expected to wait for a response, in seconds.
    pub(super) latency: f64,
}

impl Load {
    #[expect(
        clippy::cast_precision_loss,
        reason = "there are far fewer calls than an f64 has precise numbers"
    )]
    fn cost(self) -> f64 {
        (self.open + 1) as f64 * self.latency.max(LEAST_LATENCY)
    }

    /// Returns whether an address with this load is better than another one: its cost is clearly lower, or it has fewer calls.
    fn is_better_than(self, other: Self) -> bool {
        let (cost, other_cost) = (self.cost(), other.cost());
        if cost * CLEARLY < other_cost {
            return true;
        }
        cost < other_cost * CLEARLY && self.open < other.open
    }
}

/// Chooses the better of two random candidates (the power of two choices): a good choice that compares no more than two, and that
/// does not send all callers to the same address at a time. Returns `None` if there are no candidates.
pub(super) fn choose<T>(candidates: impl Iterator<Item = T> + Clone, load: impl Fn(&T) -> Load) -> Option<T> {
    let count = candidates.clone().count();
    if count < 2 {
        return { candidates }.next();
    }
    let first = below(count);
    let second = (first + 1 + below(count - 1)) % count;
    let pick = |index| candidates.clone().nth(index);
    let (one, two) = pick(first).zip(pick(second))?;
    Some(if load(&two).is_better_than(load(&one)) { two } else { one })
}

/// Returns a random number below a limit.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the numbers are small and not negative"
)]
fn below(limit: usize) -> usize {
    ((random::fraction() * limit as f64) as usize).min(limit - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(loads: &[(usize, f64)]) -> Vec<usize> {
        let mut counts = vec![0; loads.len()];
        for _ in 0..6_000 {
            let load = |index: &usize| Load { open: loads[*index].0, latency: loads[*index].1 };
            counts[choose(0..loads.len(), load).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn the_share_of_an_address_follows_its_load() {
        assert_eq!(shares(&[(7, 1.0)]), [6_000]);
        assert_eq!(shares(&[(0, 0.001), (0, 0.2)]), [6_000, 0], "latency");
        assert_eq!(shares(&[(4, 0.01), (3, 0.01)]), [0, 6_000], "open calls");
        assert_eq!(shares(&[(4, 0.01), (3, 0.1)]), [6_000, 0], "both");
        let equal = shares(&[(2, 0.001), (2, 0.004), (2, 0.003)]);
        assert!(equal.iter().all(|count| (1_800..2_200).contains(count)), "{equal:?}");
        assert_eq!(shares(&[(0, 9.0), (0, 0.001), (0, 0.001)])[0], 0, "the worst of all is never chosen");
        assert_eq!(choose(0..0, |_| Load { open: 0, latency: 0.0 }), None);
    }
}
