//! Limits how many streams are reset on one connection, so that its server does not take them for an attack.

use std::time::{Duration, Instant};

/// The budget of a connection. Servers send GOAWAY after many resets, which ends all calls of the connection: some after 200
/// in half a minute, others after 1,000, and sooner if they have not processed the streams (CVE-2023-44487, rapid reset).
const BUDGET: u32 = 100;

/// The time in which one unit of the budget is refilled.
const REFILL_INTERVAL: Duration = Duration::from_millis(350);

/// The budget of resets of one connection. A connection that has spent it gets no more calls, so that the open ones can
/// complete.
#[derive(Debug)]
pub(super) struct ResetBudget {
    spent: u32,
    refilled: Instant,
}

impl ResetBudget {
    pub(super) fn new(now: Instant) -> Self {
        Self { spent: 0, refilled: now }
    }

    /// Spends a reset, and returns whether any of the budget is left. A reset before the upstream has responded costs more,
    /// since the upstream may not have processed the stream.
    pub(super) fn spend(&mut self, now: Instant, responded: bool) -> bool {
        let refill = now.saturating_duration_since(self.refilled).as_millis() / REFILL_INTERVAL.as_millis();
        if refill > 0 {
            self.spent = self.spent.saturating_sub(u32::try_from(refill).unwrap_or(u32::MAX));
            self.refilled = now;
        }
        self.spent = self.spent.saturating_add(if responded { 1 } else { 8 });
        self.spent < BUDGET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_spends_the_budget_and_early_resets_cost_more() {
        let now = Instant::now();
        for (responded, expected) in [(true, 99), (false, 12)] {
            let mut budget = ResetBudget::new(now);
            assert_eq!((0..200).take_while(|_| budget.spend(now, responded)).count(), expected);
        }
    }

    #[test]
    fn a_moderate_rate_never_spends_the_budget() {
        let start = Instant::now();
        let mut budget = ResetBudget::new(start);
        assert!((1..10_000).all(|second| {
            let now = start + Duration::from_secs(second);
            budget.spend(now, true) && budget.spend(now, true)
        }));
    }
}
