//! How many calls may be left on one connection before its server takes that for an attack.

use std::time::{Duration, Instant};

/// What a connection can take at once. Servers answer GOAWAY to floods of resets, and end all calls with it: some after
/// 200 in half a minute, others after a thousand, and after few if they have not looked at the streams yet.
const BUDGET: u32 = 100;

/// How long it takes until one reset is forgotten.
const FORGOTTEN: Duration = Duration::from_millis(350);

/// The calls that were left on one connection, in weights. A connection that has used up its budget gets no more calls,
/// so that those which others have on it end well.
#[derive(Debug)]
pub(super) struct Resets {
    spent: u32,
    since: Instant,
}

impl Resets {
    pub(super) fn new(now: Instant) -> Self {
        Self { spent: 0, since: now }
    }

    /// Notes that a call was left, and tells whether the connection can take more of that. Before the upstream has
    /// answered, it may not even have looked at the call, which counts for more.
    pub(super) fn note(&mut self, now: Instant, answered: bool) -> bool {
        let forgotten = now.saturating_duration_since(self.since).as_millis() / FORGOTTEN.as_millis();
        if forgotten > 0 {
            self.spent = self.spent.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX));
            self.since = now;
        }
        self.spent = self.spent.saturating_add(if answered { 1 } else { 8 });
        self.spent < BUDGET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_uses_up_the_budget_and_early_resets_do_so_sooner() {
        let now = Instant::now();
        for (answered, most) in [(true, 99), (false, 12)] {
            let mut resets = Resets::new(now);
            assert_eq!((0..200).take_while(|_| resets.note(now, answered)).count(), most);
        }
    }

    #[test]
    fn a_moderate_rate_is_borne_forever() {
        let start = Instant::now();
        let mut resets = Resets::new(start);
        assert!((1..10_000).all(|second| {
            let now = start + Duration::from_secs(second);
            resets.note(now, true) && resets.note(now, true)
        }));
    }
}
