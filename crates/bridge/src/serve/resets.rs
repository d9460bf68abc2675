//! Premature resets of the streams of an HTTP/2 connection.

use std::time::Duration;

use tokio::time::Instant;

/// How many streams a client may reset within [`WINDOW`] before their responses are complete, if they are over half of those that end in that time.
const MAX_RESETS: u32 = 500;

const WINDOW: Duration = Duration::from_secs(1);

/// Counts how streams end. A client that opens and resets streams makes the server and its upstreams work for nothing (rapid reset,
/// CVE-2023-44487).
#[derive(Debug, Default)]
pub(super) struct Resets {
    /// When the window began: with a premature reset.
    began: Option<Instant>,
    /// How many streams have been reset since then.
    premature: u32,
    /// How many streams have ended since then.
    ended: u32,
}

impl Resets {
    /// Counts a stream that has ended with its response complete. It reads no clock.
    pub(super) const fn completed(&mut self) {
        self.ended = self.ended.saturating_add(1);
    }

    /// Counts a stream that ended before its response was complete. Returns whether these are too many, on a connection that may have
    /// so many streams open.
    pub(super) fn reset(&mut self, max_streams: u32, now: Instant) -> bool {
        if self.began.is_none_or(|began| now.duration_since(began) >= WINDOW) {
            *self = Self { began: Some(now), premature: 0, ended: 0 };
        }
        self.premature += 1;
        self.ended = self.ended.saturating_add(1);
        // A page that is left resets all its streams at once.
        self.premature > MAX_RESETS.max(max_streams) && self.premature > self.ended.div_ceil(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends so many streams for each reset, with this time between two resets. Returns after how many resets they were too many.
    fn too_many(completed: u32, between: Duration, max_streams: u32) -> Option<u32> {
        let mut resets = Resets::default();
        let start = Instant::now();
        (1..=5_000).find(|number| {
            (0..completed).for_each(|_| resets.completed());
            resets.reset(max_streams, start + between * *number)
        })
    }

    #[test]
    fn more_than_500_resets_within_a_second_are_too_many() {
        for micros in [100, 1_900] {
            assert_eq!(too_many(0, Duration::from_micros(micros), 200), Some(501), "{micros}");
        }
        assert_eq!(too_many(0, Duration::from_millis(3), 200), None);
    }

    #[test]
    fn a_client_that_completes_half_of_its_streams_may_reset_the_others() {
        assert_eq!(too_many(1, Duration::ZERO, 200), None);
        assert!(too_many(0, Duration::ZERO, 200).is_some());
    }

    #[test]
    fn all_streams_that_a_connection_may_have_open_can_be_reset_at_once() {
        assert_eq!(too_many(0, Duration::ZERO, 1_000), Some(1_001));
    }
}
