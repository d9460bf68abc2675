//! How long an address takes to respond.
//!
//! This is the load of `tower::load::PeakEwma` with two differences. The calls that are open count with the time that they have
//! waited: an address that has stopped is noticed while they wait. And a slow response counts as much as it took and is no peak:
//! a pause of 50 ms would leave one of two equal addresses without calls for half a minute.
//! `tower::balance` does not fit a pool that hands out streams of HTTP/2 connections: it owns a `Service` for each address, is
//! called by `&mut`, and reads the clock for each address that it compares.

use std::time::{Duration, Instant};

/// How fast earlier responses lose weight: to a third in this time. As in finagle and linkerd.
const DECAY: Duration = Duration::from_secs(10);

/// The average time until an address responds, weighted by time, and the wait of the calls that it has not answered.
#[derive(Debug)]
pub(super) struct Latency {
    /// In seconds.
    average: f64,
    updated: Instant,
    /// How many calls wait for a response.
    unanswered: usize,
    /// When the first call was sent that waits since the last sign of life.
    silent_since: Option<Instant>,
}

impl Latency {
    pub(super) fn new(now: Instant) -> Self {
        Self { average: 0.0, updated: now, unanswered: 0, silent_since: None }
    }

    /// Records that a call is sent.
    pub(super) fn sent(&mut self, now: Instant) {
        self.unanswered += 1;
        self.silent_since.get_or_insert(now);
    }

    /// Records that a call was answered after this time.
    pub(super) fn answered(&mut self, now: Instant, took: Duration) {
        self.unanswered -= 1;
        self.silent_since = None;
        self.add(now, took);
    }

    /// Records that a call was dropped after it has waited for this time in vain. Its wait is added at once.
    pub(super) fn abandoned(&mut self, now: Instant, waited: Duration) {
        self.withdrawn();
        self.average = self.decayed(now) + waited.as_secs_f64();
        self.updated = now;
    }

    /// Records that a call was not sent, or failed.
    pub(super) fn withdrawn(&mut self) {
        self.unanswered -= 1;
        if self.unanswered == 0 {
            self.silent_since = None;
        }
    }

    /// Records a sign of life: the address is slow and has not stopped.
    pub(super) fn alive(&mut self) {
        self.silent_since = None;
    }

    /// Adds a time to the average. It has the weight of the time since the last one, or of itself if it is longer.
    pub(super) fn add(&mut self, now: Instant, took: Duration) {
        let since = now.saturating_duration_since(self.updated);
        let kept = decay(since.max(took));
        self.average = self.average * kept + took.as_secs_f64() * (1.0 - kept);
        self.updated = now;
    }

    /// Returns how long a call is expected to wait for a response, in seconds. It falls while there are no calls, so that a slow
    /// address is tried again.
    pub(super) fn expected(&self, now: Instant) -> f64 {
        let silence = self.silent_since.map(|since| now.saturating_duration_since(since).as_secs_f64());
        self.decayed(now).max(silence.unwrap_or_default())
    }

    /// Returns how many calls wait for a response.
    #[cfg(test)]
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered
    }

    fn decayed(&self, now: Instant) -> f64 {
        self.average * decay(now.saturating_duration_since(self.updated))
    }
}

fn decay(time: Duration) -> f64 {
    (-time.as_secs_f64() / DECAY.as_secs_f64()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn many_responses_make_an_average_and_one_slow_response_does_not() {
        let mut now = Instant::now();
        let mut latency = Latency::new(now);
        for _ in 0..100_000 {
            now += MS;
            latency.sent(now);
            latency.answered(now, 4 * MS);
        }
        assert!((0.0039..0.0041).contains(&latency.expected(now)), "{latency:?}");
        latency.sent(now);
        latency.answered(now + 50 * MS, 50 * MS);
        assert!(latency.expected(now) < 0.005, "{latency:?}");
        assert!(latency.expected(now + 2 * DECAY) < 0.001, "{latency:?}");
    }

    #[test]
    fn calls_that_wait_count_until_there_is_a_sign_of_life() {
        let now = Instant::now();
        let later = now + 700 * MS;
        let mut latency = Latency::new(now);
        latency.sent(now);
        latency.sent(now + 300 * MS);
        assert!((0.699..0.701).contains(&latency.expected(later)));
        latency.alive();
        assert!(latency.expected(later) < 0.001);
        latency.sent(later);
        assert!((0.099..0.101).contains(&latency.expected(later + 100 * MS)));
        latency.withdrawn();
        latency.withdrawn();
        latency.abandoned(later, 700 * MS);
        assert!((0.699..0.701).contains(&latency.expected(later)), "{latency:?}");
    }
}
