//! Which failures are retried, how often, and with which backoff.

use std::time::Duration;

use tonic::Code;

/// The most attempts that any policy makes.
const MAX_ATTEMPTS: u32 = 5;

/// Which failures are retried, how often, and with which backoff.
///
/// ```
/// use drawbridge_core::RetryPolicy;
/// use std::time::Duration;
/// use tonic::Code;
///
/// // Up to 3 attempts, after 50 ms and then 100 ms, each ±20 %.
/// let policy = RetryPolicy::new(3, [Code::Unavailable])
///     .with_backoff(Duration::from_millis(50), 2.0, Duration::from_secs(1));
/// assert!(policy.retries(Code::Unavailable) && !policy.retries(Code::NotFound));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    max_attempts: u32,
    initial_backoff: Duration,
    max_backoff: Duration,
    multiplier: f64,
    codes: Vec<Code>,
}

impl RetryPolicy {
    /// The default backoff multiplier.
    pub const MULTIPLIER: f64 = 1.6;

    /// Creates a policy that retries calls that fail with one of `codes`, up to `max_attempts` attempts.
    ///
    /// `max_attempts` includes the first attempt: 1 means no retry. It is limited to 5.
    ///
    /// By default the first backoff is 100 ms, each further one is 1.6 times longer, and the longest is 5 seconds.
    pub fn new(max_attempts: u32, codes: impl IntoIterator<Item = Code>) -> Self {
        Self {
            max_attempts: max_attempts.clamp(1, MAX_ATTEMPTS),
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            multiplier: Self::MULTIPLIER,
            codes: codes.into_iter().collect(),
        }
    }

    /// Sets the first backoff, the factor by which each further one is longer, and the longest backoff.
    ///
    /// A multiplier below 1, or NaN, counts as 1. Each backoff is spread at random by 20 % to either side.
    #[must_use]
    pub fn with_backoff(mut self, initial: Duration, multiplier: f64, max: Duration) -> Self {
        self.initial_backoff = initial;
        self.multiplier = if multiplier >= 1.0 { multiplier } else { 1.0 };
        self.max_backoff = max;
        self
    }

    /// Returns the maximum number of attempts, the first one included.
    pub fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// Returns whether a call that fails with this code is retried.
    pub fn retries(&self, code: Code) -> bool {
        self.codes.contains(&code)
    }

    /// Returns the backoff before a retry. `number` counts from 0 after the first attempt and after each pushback.
    /// `random` is evenly distributed in 0..1: below 0.5 shortens the backoff, above lengthens it.
    pub fn backoff(&self, number: u32, random: f64) -> Duration {
        let initial = self.initial_backoff.as_secs_f64();
        let exponent = i32::try_from(number).unwrap_or(i32::MAX);
        let grown = initial * self.multiplier.powi(exponent);
        let whole = grown.min(self.max_backoff.as_secs_f64());
        Duration::try_from_secs_f64(whole * (0.8 + 0.4 * random.clamp(0.0, 1.0))).unwrap_or(self.max_backoff)
    }
}
