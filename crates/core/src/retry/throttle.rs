//! A limit on retries to a failing server.

use std::sync::{Arc, Mutex, PoisonError};

/// Stops retries while too many calls to a server fail, so that retries do not add to its load.
///
/// It is a token bucket: each retryable failure takes one token, each success returns a part of one, and there are no
/// retries while half of the tokens or more are taken. All calls to a server use one throttle.
#[derive(Clone, Debug, PartialEq)]
pub struct Throttle {
    max: f64,
    tokens: f64,
    ratio: f64,
}

impl Throttle {
    /// Creates a throttle with `max_tokens` tokens (1 to 1000), all of them available, of which each success returns
    /// `ratio`.
    pub fn new(max_tokens: u32, ratio: f64) -> Self {
        let max = f64::from(max_tokens.clamp(1, 1000));
        Self { max, tokens: max, ratio: if ratio > 0.0 { ratio } else { 0.0 } }
    }

    /// Counts a call that succeeded.
    pub fn on_success(&mut self) {
        self.tokens = (self.tokens + self.ratio).min(self.max);
    }

    /// Counts a retryable failure.
    pub(super) fn on_failure(&mut self) {
        self.tokens = (self.tokens - 1.0).max(0.0);
    }

    /// Returns whether calls may be retried.
    pub fn allows_retries(&self) -> bool {
        self.tokens > self.max / 2.0
    }
}

impl Default for Throttle {
    /// Ten tokens, of which each success returns a tenth.
    fn default() -> Self {
        Self::new(10, 0.1)
    }
}

/// A [`Throttle`] that all calls to a server share. Clones share it too.
#[derive(Clone, Debug, Default)]
pub struct SharedThrottle(Arc<Mutex<Throttle>>);

impl SharedThrottle {
    /// Creates a shared throttle.
    pub fn new(throttle: Throttle) -> Self {
        Self(Arc::new(Mutex::new(throttle)))
    }

    /// Runs `f` on the throttle, while no other call uses it.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Throttle) -> R) -> R {
        // A throttle is valid after every statement, so a panic in between does not break it.
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
