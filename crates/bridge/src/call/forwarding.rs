//! Where a call was forwarded to, and when.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The names of the addresses of an upstream, made once for all of its calls.
pub(crate) type Addresses = Arc<[Box<str>]>;

/// What is recorded of a call that goes to an upstream. A hosted call has an empty one.
///
/// It is written for each forwarded call, so it takes no lock and allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Forwarding {
    addresses: OnceLock<Addresses>,
    /// The index of the address and the time of sending, in one number, so that both are read together.
    sent: AtomicU64,
    answered: AtomicU64,
}

/// How many bits of the number hold the time, in microseconds: nine years. The others hold the index.
const TIME_BITS: u32 = 48;

/// A call that was forwarded. Times are since the call opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forwarded<'a> {
    pub(crate) address: &'a str,
    pub(crate) sent: Duration,
    /// When the response began.
    pub(crate) answered: Option<Duration>,
}

impl Forwarding {
    /// Records that the call was sent to one of `addresses` when it was open for so long. A call that is sent again has
    /// the last time on record, and no response.
    pub(super) fn sent(&self, addresses: &Addresses, index: usize, open_for: Duration) {
        self.addresses.get_or_init(|| Arc::clone(addresses));
        self.answered.store(0, Ordering::Release);
        self.sent.store((index as u64) << TIME_BITS | micros(open_for), Ordering::Release);
    }

    /// Records that the response began when the call was open for so long.
    pub(super) fn answered(&self, open_for: Duration) {
        self.answered.store(micros(open_for), Ordering::Release);
    }

    /// Returns the record, if the call was sent.
    pub(super) fn get(&self) -> Option<Forwarded<'_>> {
        let (sent, answered) = self.version();
        if sent == 0 {
            return None;
        }
        let address = self.addresses.get()?.get(usize::try_from(sent >> TIME_BITS).ok()?)?;
        let sent = Duration::from_micros(sent & ((1 << TIME_BITS) - 1));
        let answered = (answered > 0).then(|| Duration::from_micros(answered));
        Some(Forwarded { address, sent, answered })
    }

    /// Returns a value that differs when the record does.
    pub(super) fn version(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Acquire), self.answered.load(Ordering::Acquire))
    }
}

/// Returns a duration in microseconds, at least 1: zero stands for no time.
fn micros(time: Duration) -> u64 {
    (time.as_secs() * 1_000_000 + u64::from(time.subsec_micros())).clamp(1, (1 << TIME_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_several_attempts_is_recorded() {
        let forwarding = Forwarding::default();
        assert_eq!((forwarding.get(), forwarding.version()), (None, (0, 0)));
        let addresses: Addresses = ["http://a", "http://b"].map(Box::from).into();
        let record = |address, sent, answered: Option<u64>| {
            let (sent, answered) = (Duration::from_micros(sent), answered.map(Duration::from_micros));
            Some(Forwarded { address, sent, answered })
        };
        forwarding.sent(&addresses, 1, Duration::ZERO);
        assert_eq!(forwarding.get(), record("http://b", 1, None));
        forwarding.sent(&addresses, 0, Duration::from_micros(2_500));
        assert_eq!(forwarding.get(), record("http://a", 2_500, None));
        forwarding.answered(Duration::from_micros(3_600_002_500));
        assert_eq!(forwarding.get(), record("http://a", 2_500, Some(3_600_002_500)));
        forwarding.sent(&addresses, 1, Duration::from_micros(3_600_002_500));
        assert_eq!(forwarding.get(), record("http://b", 3_600_002_500, None));
    }
}
