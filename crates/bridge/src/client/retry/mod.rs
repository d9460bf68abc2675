//! Failed calls are retried, within their deadline.
//!
//! 1. `drawbridge_core::RetryState` decides what is retried, how often, and after how long, without I/O.
//! 2. [`call_retries`]: the same with a clock and the record of a call.
//! 3. [`replay_buffer`]: what was sent of a request, as long as it may have to be sent again.
//! 4. [`layer`]: makes the attempts of a client's call. [`replay_body`] is the request body of each.
//!
//! Forwarded calls use the same decisions and the same buffer (`upstream/retry.rs`). They differ in how a request is sent:
//! there the bridge writes to the stream, here a tonic client polls a body.

mod call_retries;
mod layer;
mod replay_body;
mod replay_buffer;
#[cfg(test)]
mod tests;

/// How many bytes of a request are kept for a call that has a retry policy.
pub(crate) const MAX_REPLAY_BYTES: usize = 256 * 1024;

#[cfg(feature = "upstream")]
pub(crate) use call_retries::CallRetries;
pub use layer::{Retry, RetryLayer};
#[cfg(feature = "upstream")]
pub(crate) use replay_buffer::ReplayBuffer;
