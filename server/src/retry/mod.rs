//! Calls that failed are tried again, inside their one deadline.
//!
//! Read in this order:
//!
//! 1. `drawbridge_core::RetryPolicy`: what is tried again, how often, and after how long. Pure arithmetic.
//! 2. [`course`]: the same with a clock, a throttle and a call's record: what follows from a failed attempt.
//! 3. [`kept`]: what was sent of a request, for as long as it may have to be sent again.
//! 4. [`layer`]: makes the attempts of a client's call, one after the other; [`replay`] is the request's body for each.
//!
//! Forwarded calls are tried again by the same course and from the same store (`upstream/attempts.rs`). What sends them
//! is another: there the bridge writes to the stream itself, here a client of tonic's asks for a body.

mod course;
mod kept;
mod layer;
mod replay;
#[cfg(test)]
mod tests;

/// How many bytes of a request are kept for a call that may be tried again by a policy.
pub(crate) const MOST_KEPT: usize = 256 * 1024;

pub(crate) use course::{Course, SharedThrottle, failure_in};
pub(crate) use kept::Kept;
pub use layer::{Retry, RetryLayer};
