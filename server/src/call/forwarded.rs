//! Where a call was forwarded to, and when.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::context::{CallContext, now};

/// The names of the addresses that share the calls of an upstream, made once for all of its calls.
pub(crate) type Addresses = Arc<[Box<str>]>;

/// What is noted of a call that goes to an upstream. A call that is hosted has one too, in which nothing is noted.
///
/// It is written on the way of each forwarded call: no lock, and nothing to allocate.
#[derive(Debug, Default)]
pub(super) struct Forwarding {
    addresses: OnceLock<Addresses>,
    /// Which of the addresses, and when: in one number, so that nobody reads the one without the other.
    sent: AtomicU64,
    answered: AtomicU64,
}

/// How many of the number's bits tell the time, which lasts for nine years. The others tell the address.
const TIME_BITS: u32 = 48;

/// A call that was forwarded. Times are since the call opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forwarded<'a> {
    pub(crate) address: &'a str,
    pub(crate) sent: Duration,
    /// When the answer began.
    pub(crate) answered: Option<Duration>,
}

impl CallContext {
    /// Notes that the call went out to one of these addresses. When that is done again, the last time counts, and no answer
    /// has begun.
    pub(crate) fn sent_to(&self, addresses: &Addresses, index: usize) {
        let forwarding = self.forwarding();
        forwarding.addresses.get_or_init(|| Arc::clone(addresses));
        forwarding.answered.store(0, Ordering::Release);
        forwarding.sent.store((index as u64) << TIME_BITS | self.micros(), Ordering::Release);
    }

    /// Notes that the upstream's answer has begun.
    pub(crate) fn answer_began(&self) {
        self.forwarding().answered.store(self.micros(), Ordering::Release);
    }

    /// Returns where the call went, if it was forwarded and went out.
    pub(crate) fn forwarded(&self) -> Option<Forwarded<'_>> {
        let forwarding = self.forwarding();
        let (sent, answered) = forwarding.mark();
        if sent == 0 {
            return None;
        }
        let address = forwarding.addresses.get()?.get(usize::try_from(sent >> TIME_BITS).ok()?)?;
        let sent = Duration::from_micros(sent & ((1 << TIME_BITS) - 1));
        let answered = (answered > 0).then(|| Duration::from_micros(answered));
        Some(Forwarded { address, sent, answered })
    }

    /// Returns what differs when [`CallContext::forwarded`] does.
    pub(crate) fn forwarded_mark(&self) -> (u64, u64) {
        self.forwarding().mark()
    }

    /// Returns for how long the call has been open, in microseconds, of which one is the least: none is no time.
    fn micros(&self) -> u64 {
        let open = now().saturating_duration_since(self.opened());
        (open.as_secs() * 1_000_000 + u64::from(open.subsec_micros())).clamp(1, (1 << TIME_BITS) - 1)
    }
}

impl Forwarding {
    fn mark(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Acquire), self.answered.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Calls;

    #[tokio::test(start_paused = true)]
    async fn of_several_attempts_the_last_one_is_told() {
        let call = CallContext::of(&Calls::new(usize::MAX), "/a.B/C");
        assert_eq!((call.forwarded(), call.forwarded_mark()), (None, (0, 0)));
        let addresses: Addresses = ["http://a", "http://b"].map(Box::from).into();
        let told = |address, sent, answered: Option<u64>| {
            let (sent, answered) = (Duration::from_micros(sent), answered.map(Duration::from_micros));
            Some(Forwarded { address, sent, answered })
        };
        call.sent_to(&addresses, 1);
        assert_eq!(call.forwarded(), told("http://b", 1, None));
        tokio::time::advance(Duration::from_micros(2_500)).await;
        call.sent_to(&addresses, 0);
        assert_eq!(call.forwarded(), told("http://a", 2_500, None));
        tokio::time::advance(Duration::from_secs(3_600)).await;
        call.answer_began();
        assert_eq!(call.forwarded(), told("http://a", 2_500, Some(3_600_002_500)));
        call.sent_to(&addresses, 1);
        assert_eq!(call.forwarded(), told("http://b", 3_600_002_500, None));
    }
}
