//! Limits how often the same warning is logged.

use std::time::{Duration, Instant};

/// How long a cause is not logged again.
const INTERVAL: Duration = Duration::from_secs(10);

/// How many causes are remembered.
const CAUSES: usize = 64;

/// The causes that were logged, and how often each has come since.
#[derive(Debug, Default)]
pub(super) struct Warnings(Vec<Warning>);

#[derive(Debug)]
struct Warning {
    cause: String,
    logged: Instant,
    count: u64,
}

impl Warnings {
    /// Records a cause. If it is to be logged now, returns how often it has come since it was logged last, this time included.
    pub(super) fn record(&mut self, cause: &str, now: Instant) -> Option<u64> {
        if let Some(warning) = self.0.iter_mut().find(|warning| warning.cause == cause) {
            warning.count += 1;
            if now.saturating_duration_since(warning.logged) < INTERVAL {
                return None;
            }
            warning.logged = now;
            return Some(std::mem::take(&mut warning.count));
        }
        if self.0.len() == CAUSES {
            self.0.remove(0);
        }
        self.0.push(Warning { cause: cause.to_owned(), logged: now, count: 0 });
        Some(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_logged_once_in_ten_seconds_with_its_count() {
        let start = Instant::now();
        let mut warnings = Warnings::default();
        let mut logged = Vec::new();
        for millis in (0..25_000).step_by(100) {
            let now = start + Duration::from_millis(millis);
            logged.extend(warnings.record("refused", now).map(|count| (millis, count)));
        }
        assert_eq!(logged, [(0, 1), (10_000, 100), (20_000, 100)]);
        assert_eq!(warnings.record("reset", start), Some(1));
        for index in 0..2 * CAUSES {
            warnings.record(&index.to_string(), start);
        }
        assert_eq!(warnings.0.len(), CAUSES);
    }
}
