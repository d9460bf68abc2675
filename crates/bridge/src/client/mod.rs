//! Layers for the clients that handlers use to call other services. Forwarded calls use parts of them.
//!
//! 1. [`propagation`]: a child call inherits the deadline of the call whose handler makes it, and ends with it.
//! 2. [`retry`]: a failed call is retried within its deadline.
//! 3. [`timeout_header`]: writes `grpc-timeout`.

mod propagation;
mod retry;
mod timeout_header;

pub use propagation::{Detached, Propagation, PropagationFuture, PropagationLayer};
pub use retry::{Retry, RetryLayer};

#[cfg(feature = "upstream")]
pub(crate) use {
    propagation::record_response,
    retry::{AfterAttempt, CallRetries, MAX_REPLAY_BYTES, ReplayBuffer},
    timeout_header::timeout_header,
};
