//! Log lines that may be due many times a second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The shortest time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// Lets one line of a kind pass in 10 seconds, and counts the others.
#[derive(Debug)]
pub(super) struct LogThrottle(Mutex<State>);

#[derive(Debug)]
struct State {
    last: Option<Instant>,
    suppressed: u64,
}

impl LogThrottle {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(State { last: None, suppressed: 0 }))
    }

    /// Returns how many lines were suppressed since the last one, if a line is to be logged at this time.
    pub(super) fn pass(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_some_and(|last| now.saturating_duration_since(last) < INTERVAL) {
            state.suppressed += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_ten_seconds_says_how_many_there_were() {
        let (throttle, start) = (LogThrottle::new(), Instant::now());
        assert_eq!(throttle.pass(start), Some(0));
        assert_eq!((throttle.pass(start), throttle.pass(start + INTERVAL / 2)), (None, None));
        assert_eq!(throttle.pass(start + INTERVAL), Some(2));
        assert_eq!(throttle.pass(start + INTERVAL), None);
    }
}
