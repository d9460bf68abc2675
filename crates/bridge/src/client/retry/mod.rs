//! Failed calls are retried, within their deadline.
//!
//! A module uses only modules below it in this list:
//!
//! 1. [`layer`]: the layer, which makes the attempts of a client's call. [`replay_body`] is the request body of each attempt.
//! 2. [`call_retries`]: whether an attempt is followed by another, with a clock and the record of the call. The decisions are
//!    made by `drawbridge_core::RetryState`, without I/O.
//! 3. [`replay_buffer`]: what was sent of a request, while it may have to be sent again.
//!
//! Forwarded calls use the same decisions and the same buffer (`upstream/retry.rs`). They send requests in another way: there
//! the bridge writes to an HTTP/2 stream, here a tonic client polls a body.

mod call_retries;
mod layer;
mod replay_body;
mod replay_buffer;
#[cfg(test)]
mod tests;

pub use layer::{Retry, RetryLayer};

#[cfg(feature = "upstream")]
pub(crate) use {
    call_retries::{AfterAttempt, CallRetries},
    replay_buffer::{MAX_REPLAY_BYTES, ReplayBuffer},
};
