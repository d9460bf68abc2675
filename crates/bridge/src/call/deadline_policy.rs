//! The time that a server grants to calls.

use std::time::{Duration, Instant};

use drawbridge_core::{Deadline, Timeout};

use crate::random;

/// How much time a server grants to calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadlinePolicy {
    /// The timeout of calls that send no `grpc-timeout`. `None`: such a call has no deadline, unless `max` is set.
    pub default: Option<Duration>,
    /// The longest timeout of any call. A longer one that a caller sends is shortened to it. `None`: no limit.
    pub max: Option<Duration>,
    /// How long any call may be open, give or take a tenth at random. It then ends as
    /// [`EndReason::MaxDuration`](crate::EndReason), with UNAVAILABLE and a retry pushback: before a balancer in front cuts it without a
    /// status. It is no deadline: neither handlers nor upstreams learn of it. `None`: no limit.
    pub max_duration: Option<Duration>,
}

impl DeadlinePolicy {
    /// Creates a policy that grants whatever callers ask for.
    pub const fn new() -> Self {
        Self { default: None, max: None, max_duration: None }
    }

    /// Sets the timeout of calls that send no `grpc-timeout`.
    #[must_use]
    pub fn with_default(mut self, default: impl Into<Option<Duration>>) -> Self {
        self.default = default.into();
        self
    }

    /// Sets the longest timeout of any call.
    #[must_use]
    pub fn with_max(mut self, max: impl Into<Option<Duration>>) -> Self {
        self.max = max.into();
        self
    }

    /// Sets how long any call may be open.
    #[must_use]
    pub fn with_max_duration(mut self, max: impl Into<Option<Duration>>) -> Self {
        self.max_duration = max.into();
        self
    }

    /// Returns how long a call may be open, if that is limited. Calls that opened together do not end together.
    pub(super) fn duration(&self) -> Option<Duration> {
        self.max_duration.map(|max| max.mul_f64(0.9 + 0.2 * random::fraction()))
    }

    /// Returns the deadline of a call that opens `now` with the timeout `requested`, or `None` if it has none.
    pub(super) fn grant(&self, now: Instant, requested: Option<Timeout>) -> Option<Deadline<Instant>> {
        let requested = requested.map(Timeout::duration).or(self.default);
        let granted = match (requested, self.max) {
            (Some(requested), Some(max)) => Some(requested.min(max)),
            (requested, max) => requested.or(max),
        };
        granted.and_then(|granted| Deadline::after(now, granted.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_of_requested_and_maximum_is_granted() {
        let second = Duration::from_secs;
        let now = Instant::now();
        for (default, max, requested, granted) in [
            (None, None, None, None),
            (None, None, Some(5), Some(5)),
            (Some(7), None, None, Some(7)),
            (Some(7), None, Some(9), Some(9)),
            (None, Some(3), None, Some(3)),
            (None, Some(3), Some(5), Some(3)),
            (Some(7), Some(3), None, Some(3)),
            (Some(7), Some(9), Some(1), Some(1)),
        ] {
            let policy = DeadlinePolicy::new().with_default(default.map(second)).with_max(max.map(second));
            let requested = requested.map(|requested| Timeout::from(second(requested)));
            let deadline = policy.grant(now, requested).map(|deadline| deadline.granted().duration());
            assert_eq!(deadline, granted.map(second), "{policy:?}, {requested:?}");
        }
    }
}
