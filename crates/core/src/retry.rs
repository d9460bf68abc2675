//! When a call that failed is tried again, as [gRFC A6](https://github.com/grpc/proposal/blob/master/A6-client-retries.md)
//! has it.

use std::time::Duration;

use tonic::Code;

/// The header in which an attempt says how many went before it. The first one does not have it.
pub const GRPC_PREVIOUS_RPC_ATTEMPTS: &str = "grpc-previous-rpc-attempts";

/// The header, or trailer, in which a server says when to try again: a [`Pushback`].
pub const GRPC_RETRY_PUSHBACK_MS: &str = "grpc-retry-pushback-ms";

/// The most attempts that any policy makes.
const MOST_ATTEMPTS: u32 = 5;

/// Which failures are tried again, how often, and after how long.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    max_attempts: u32,
    initial_backoff: Duration,
    max_backoff: Duration,
    multiplier: f64,
    codes: Vec<Code>,
}

impl RetryPolicy {
    /// By what each backoff is longer than the one before it, without further word.
    pub const MULTIPLIER: f64 = 1.6;

    /// Creates a policy of at most `max_attempts`, the first one included: 1 means that nothing is tried again, and more
    /// than 5 means 5. Only a failure with one of `codes` is tried again.
    ///
    /// Without further word the first backoff is 100 ms, each one after it is 1.6 times as long, and none is longer than
    /// 5 seconds.
    pub fn new(max_attempts: u32, codes: impl IntoIterator<Item = Code>) -> Self {
        Self {
            max_attempts: max_attempts.clamp(1, MOST_ATTEMPTS),
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            multiplier: Self::MULTIPLIER,
            codes: codes.into_iter().collect(),
        }
    }

    /// Sets the first backoff, by what each one after it is longer, and what none is longer than. A multiplier that is
    /// less than 1, or no number, counts as 1.
    #[must_use]
    pub fn with_backoff(mut self, initial: Duration, multiplier: f64, max: Duration) -> Self {
        self.initial_backoff = initial;
        self.multiplier = if multiplier >= 1.0 { multiplier } else { 1.0 };
        self.max_backoff = max;
        self
    }

    /// Returns how many attempts there are at most, the first one included.
    pub fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// Tells whether a failure with this code is tried again.
    pub fn retries(&self, code: Code) -> bool {
        self.codes.contains(&code)
    }

    /// Returns how long to wait before the retry of this number, counted from 0 after the first attempt and after each
    /// pushback. `random` is evenly distributed in 0..1, and spreads the wait by a fifth to either side.
    fn backoff(&self, number: u32, random: f64) -> Duration {
        let initial = self.initial_backoff.as_secs_f64();
        let exponent = i32::try_from(number).unwrap_or(i32::MAX);
        let grown = initial * self.multiplier.powi(exponent);
        let whole = grown.min(self.max_backoff.as_secs_f64());
        Duration::try_from_secs_f64(whole * (0.8 + 0.4 * random.clamp(0.0, 1.0))).unwrap_or(self.max_backoff)
    }
}

/// What a server says about when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushback {
    /// After exactly this long.
    After(Duration),
    /// Not at all.
    Stop,
}

impl Pushback {
    /// Reads the value of `grpc-retry-pushback-ms`. What is negative, or no number, means not to try again.
    pub fn parse(value: &[u8]) -> Self {
        let number = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse::<i32>().ok());
        match number.and_then(|number| u64::try_from(number).ok()) {
            Some(milliseconds) => Self::After(Duration::from_millis(milliseconds)),
            None => Self::Stop,
        }
    }
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The code of its status.
    pub code: Code,
    /// What the server says about when to try again.
    pub pushback: Option<Pushback>,
    /// Whether the caller has seen anything of the attempt: what was shown cannot be taken back.
    pub committed: bool,
}

/// What follows from a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another attempt, after this long.
    RetryAfter(Duration),
    /// There would be another attempt, but the call's deadline comes before it. The call is `DEADLINE_EXCEEDED` at once:
    /// nobody is served by sleeping through what is left.
    OutOfTime {
        /// How long the attempt would have had to wait.
        backoff: Duration,
    },
    /// No further attempt: the failure is the call's.
    Fail,
}

/// The attempts of one call.
#[derive(Clone, Debug)]
pub struct Attempts<'policy> {
    policy: &'policy RetryPolicy,
    /// How many have been made, the one under way included.
    made: u32,
    /// How many backoffs there were since the start, or since the last pushback.
    backoffs: u32,
}

impl<'policy> Attempts<'policy> {
    /// Starts with the first attempt.
    pub const fn new(policy: &'policy RetryPolicy) -> Self {
        Self { policy, made: 1, backoffs: 0 }
    }

    /// Returns how many attempts went before the one under way: the value of `grpc-previous-rpc-attempts`, which is left
    /// out when there were none.
    pub const fn previous(&self) -> u32 {
        self.made - 1
    }

    /// Decides what follows from the failure of the attempt under way. If it is a retry, that is the one under way then.
    ///
    /// `remaining` is what is left of the call's one deadline, `random` a number that is evenly distributed in 0..1, and
    /// `throttle` is shared by all calls to one server.
    pub fn after(
        &mut self,
        failure: Failure,
        remaining: Option<Duration>,
        random: f64,
        throttle: &mut Throttle,
    ) -> Next {
        let retryable = self.policy.retries(failure.code);
        if failure.committed || !retryable {
            return Next::Fail;
        }
        throttle.on_failure();
        if failure.pushback == Some(Pushback::Stop)
            || self.made >= self.policy.max_attempts
            || !throttle.allows_retries()
        {
            return Next::Fail;
        }
        let backoff = if let Some(Pushback::After(exactly)) = failure.pushback {
            self.backoffs = 0;
            exactly
        } else {
            let backoff = self.policy.backoff(self.backoffs, random);
            self.backoffs += 1;
            backoff
        };
        if remaining.is_some_and(|remaining| backoff >= remaining) {
            return Next::OutOfTime { backoff };
        }
        self.made += 1;
        Next::RetryAfter(backoff)
    }
}

/// Keeps retries from adding to the load of a server that fails already. One serves all calls to a server.
///
/// Each retryable failure takes a token, each success gives a part of one back, and with half of the tokens or fewer
/// nothing is tried again.
#[derive(Clone, Debug, PartialEq)]
pub struct Throttle {
    max: f64,
    tokens: f64,
    ratio: f64,
}

impl Throttle {
    /// Creates a throttle with all of its tokens: 1 to 1000 of them, and `ratio` for each success.
    pub fn new(max_tokens: u32, ratio: f64) -> Self {
        let max = f64::from(max_tokens.clamp(1, 1000));
        Self { max, tokens: max, ratio: if ratio > 0.0 { ratio } else { 0.0 } }
    }

    /// Counts a call that succeeded.
    pub fn on_success(&mut self) {
        self.tokens = (self.tokens + self.ratio).min(self.max);
    }

    fn on_failure(&mut self) {
        self.tokens = (self.tokens - 1.0).max(0.0);
    }

    /// Tells whether anything may be tried again.
    pub fn allows_retries(&self) -> bool {
        self.tokens > self.max / 2.0
    }
}

impl Default for Throttle {
    /// Ten tokens, and a tenth of one for each success.
    fn default() -> Self {
        Self::new(10, 0.1)
    }
}

#[cfg(test)]
mod tests;
