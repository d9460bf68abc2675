//! Whether a failed call is retried, and when ([gRFC A6](https://github.com/grpc/proposal/blob/master/A6-client-retries.md)).
//!
//! [`RetryPolicy`] says which failures are retried, [`Throttle`] limits retries to a failing server, [`Attempts`] decides
//! about one call, and [`RetryState`] does so with a throttle that calls share.

mod attempts;
mod policy;
mod pushback;
mod state;
mod throttle;

pub use attempts::{Attempts, FailedAttempt, RetryDecision};
pub use policy::RetryPolicy;
pub use pushback::Pushback;
pub use state::{RetryState, out_of_time};
pub use throttle::{SharedThrottle, Throttle};

#[cfg(test)]
mod tests;
