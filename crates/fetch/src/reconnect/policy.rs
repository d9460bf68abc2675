//! The options of a reconnecting stream.

use std::time::Duration;

use drawbridge_core::{Deadline, RetryPolicy};
use tonic::Code;

/// When a [`Reconnecting`](crate::Reconnecting) stream makes another call, and for how long it does so.
///
/// ```
/// use drawbridge_fetch::ReconnectPolicy;
/// use std::time::Duration;
///
/// // After about 1, 2, 4 and then always 8 seconds, for an hour in all.
/// let policy = ReconnectPolicy::repeatable()
///     .with_backoff(Duration::from_secs(1), 2.0, Duration::from_secs(8))
///     .with_timeout(Duration::from_secs(3_600));
/// ```
#[derive(Clone, Debug)]
pub struct ReconnectPolicy {
    backoff: RetryPolicy,
    max_backoff: Duration,
    timeout: Option<Duration>,
    deadline: Option<Deadline<Duration>>,
}

impl ReconnectPolicy {
    /// Declares that the method can be called any number of times for one use: it reads or watches, and a call that is repeated
    /// changes nothing on the server. Do not use it for calls that do work.
    ///
    /// By default the first backoff is 500 ms, each further one is 1.6 times longer, the longest is 15 seconds, and there is no
    /// deadline.
    pub fn repeatable() -> Self {
        let (initial, max) = (Duration::from_millis(500), Duration::from_secs(15));
        Self {
            backoff: backoff(initial, RetryPolicy::MULTIPLIER, max),
            max_backoff: max,
            timeout: None,
            deadline: None,
        }
    }

    /// Sets the first backoff, the factor by which each further one is longer, and the longest backoff.
    ///
    /// A multiplier below 1, or NaN, counts as 1. Each backoff is spread at random by 20 % to either side. A message resets the
    /// backoff, and so does a call that was open for longer than the longest backoff.
    #[must_use]
    pub fn with_backoff(mut self, initial: Duration, multiplier: f64, max: Duration) -> Self {
        self.backoff = backoff(initial, multiplier, max);
        self.max_backoff = max;
        self
    }

    /// Sets the timeout of the whole stream: of all its calls and of the waits between them. By default there is none. It starts
    /// when [`reconnecting`](crate::reconnecting) is called.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the deadline of the whole stream, by the clock of [`now`](crate::now). If there is a timeout too, the earlier applies.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Deadline<Duration>) -> Self {
        self.deadline = Deadline::min(self.deadline, Some(deadline));
        self
    }

    /// Returns the deadline of a stream that starts at `now`.
    pub(super) fn deadline_at(&self, now: Duration) -> Option<Deadline<Duration>> {
        let after = self.timeout.and_then(|timeout| Deadline::after(now, timeout.into()));
        Deadline::min(after, self.deadline)
    }

    /// Returns the backoff before a call. `number` counts from 0 after each reset.
    pub(super) fn backoff(&self, number: u32, random: f64) -> Duration {
        self.backoff.backoff(number, random)
    }

    pub(super) fn max_backoff(&self) -> Duration {
        self.max_backoff
    }

    /// Returns whether another call follows a failure with this code.
    pub(super) fn reconnects_after(&self, code: Code) -> bool {
        self.backoff.retries(code)
    }
}

/// The policy of one attempt, of which only the codes and the backoff are used: a stream reconnects without limit.
fn backoff(initial: Duration, multiplier: f64, max: Duration) -> RetryPolicy {
    RetryPolicy::new(1, [Code::Unavailable]).with_backoff(initial, multiplier, max)
}
