//! Keeps calls away from an address that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::backoff::Backoff;

/// How many failures in a row eject an address. As in linkerd, like the times.
const FAILURES: u32 = 7;

const TIMES: Backoff =
    Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60), jitter: 0.5 };

/// How many addresses of a pool are ejected: never more than half of them.
#[derive(Debug, Default)]
pub(super) struct EjectionLimit {
    addresses: AtomicUsize,
    ejected: AtomicUsize,
}

impl EjectionLimit {
    /// Sets how many addresses there are.
    pub(super) fn set_addresses(&self, count: usize) {
        self.addresses.store(count, Ordering::Relaxed);
    }

    /// Ejects one more address, unless half of them are ejected.
    fn take(&self) -> bool {
        let most = self.addresses.load(Ordering::Relaxed) / 2;
        let take = |ejected| (ejected < most).then_some(ejected + 1);
        self.ejected.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// Returns whether more than half of the addresses are ejected, since others were removed.
    pub(super) fn is_exceeded(&self) -> bool {
        self.ejected.load(Ordering::Relaxed) > self.addresses.load(Ordering::Relaxed) / 2
    }

    /// Returns how many addresses are ejected.
    #[cfg(test)]
    pub(super) fn ejected(&self) -> usize {
        self.ejected.load(Ordering::Relaxed)
    }

    fn give_back(&self) {
        self.ejected.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether an address gets calls. It is ejected after several failures in a row, for a time that doubles; then one call probes
/// it, and decides whether it is readmitted.
#[derive(Debug)]
pub(super) struct Ejection {
    limit: Arc<EjectionLimit>,
    state: State,
    failures: u32,
    /// How many times in a row it was ejected.
    times: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Admitted,
    Ejected { until: Instant },
    Probing,
}

impl Ejection {
    pub(super) fn new(limit: &Arc<EjectionLimit>) -> Self {
        Self { limit: Arc::clone(limit), state: State::Admitted, failures: 0, times: 0 }
    }

    /// Returns whether calls go to other addresses.
    pub(super) fn is_ejected(&self) -> bool {
        self.state != State::Admitted
    }

    /// Returns whether the next call probes the address. [`succeeded`](Self::succeeded), [`failed`](Self::failed) or
    /// [`probe_withdrawn`](Self::probe_withdrawn) must follow.
    pub(super) fn begin_probe(&mut self, now: Instant) -> bool {
        let is_due = matches!(self.state, State::Ejected { until } if until <= now);
        if is_due {
            self.state = State::Probing;
        }
        is_due
    }

    /// Records that the probe call has no result. The next call is one.
    pub(super) fn probe_withdrawn(&mut self, now: Instant) {
        if self.state == State::Probing {
            self.state = State::Ejected { until: now };
        }
    }

    /// Records that a call has begun to be answered. This readmits an address that is being probed.
    pub(super) fn answered(&mut self) {
        if self.state == State::Probing {
            self.admit();
            self.failures = 0;
        }
    }

    /// Records that a call has succeeded. Calls that were sent before the ejection do not end it.
    pub(super) fn succeeded(&mut self) {
        if matches!(self.state, State::Ejected { .. }) {
            return;
        }
        if self.state == State::Probing {
            self.admit();
        }
        (self.failures, self.times) = (0, 0);
    }

    /// Records that a call has failed. Returns for how long this ejects the address.
    pub(super) fn failed(&mut self, now: Instant) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        let eject = match self.state {
            State::Ejected { .. } => false,
            State::Probing => true,
            State::Admitted => self.failures >= FAILURES && self.limit.take(),
        };
        if !eject {
            return None;
        }
        self.times = self.times.saturating_add(1);
        let time = TIMES.after(self.times);
        self.state = State::Ejected { until: now + time };
        Some(time)
    }

    /// Readmits the address before its time.
    pub(super) fn readmit(&mut self) {
        if self.is_ejected() {
            self.admit();
            self.failures = 0;
        }
    }

    /// Records that the address was removed. It counts no more, and is not ejected again.
    pub(super) fn remove(&mut self) {
        self.readmit();
        self.limit = Arc::default();
    }

    fn admit(&mut self) {
        self.state = State::Admitted;
        self.limit.give_back();
    }
}

impl Drop for Ejection {
    fn drop(&mut self) {
        if self.is_ejected() {
            self.limit.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ejections(addresses: usize) -> Vec<Ejection> {
        let limit = Arc::new(EjectionLimit::default());
        limit.set_addresses(addresses);
        (0..addresses).map(|_| Ejection::new(&limit)).collect()
    }

    fn eject(ejection: &mut Ejection, now: Instant) -> Option<Duration> {
        for _ in 0..FAILURES - 1 {
            assert_eq!(ejection.failed(now), None);
        }
        ejection.failed(now)
    }

    #[test]
    fn failures_in_a_row_eject_and_one_probe_decides() {
        let now = Instant::now();
        let mut all = ejections(2);
        let ejection = &mut all[0];
        ejection.failed(now);
        ejection.succeeded();
        let time = eject(ejection, now).unwrap();
        assert!((0.5..=1.5).contains(&time.as_secs_f64()), "{time:?}");
        ejection.succeeded();
        assert!(ejection.is_ejected() && !ejection.begin_probe(now), "an earlier call does not end it");
        assert!(ejection.begin_probe(now + time) && !ejection.begin_probe(now + time), "one call at a time");
        ejection.probe_withdrawn(now + time);
        assert!(ejection.begin_probe(now + time));
        let again = ejection.failed(now + time).unwrap();
        assert!((1.0..=3.0).contains(&again.as_secs_f64()), "{again:?}");
        assert!(ejection.begin_probe(now + time + again));
        ejection.succeeded();
        assert!(!ejection.is_ejected());
        assert!(eject(ejection, now).unwrap() <= Duration::from_millis(1_500), "a success resets the time");
    }

    #[test]
    fn half_of_the_addresses_stay() {
        let now = Instant::now();
        for (addresses, ejected) in [(1, 0), (2, 1), (3, 1), (4, 2)] {
            let mut all = ejections(addresses);
            let count = all.iter_mut().filter_map(|ejection| eject(ejection, now)).count();
            assert_eq!(count, ejected, "{addresses}");
        }
        let mut all = ejections(2);
        assert!(eject(&mut all[0], now).is_some() && eject(&mut all[1], now).is_none());
        all.remove(0);
        assert!(all[0].failed(now).is_some(), "an address that is removed makes room");
    }
}
