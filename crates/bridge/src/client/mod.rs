//! Calls that a handler makes to other services.
//!
//! 1. [`propagation`]: such a call inherits the deadline of the call whose handler makes it, and ends with it.
//! 2. [`retry`]: such a call is tried again when it fails, within its deadline.

mod propagation;
mod retry;

pub use propagation::{Detached, Propagation, PropagationFuture, PropagationLayer};
pub use retry::{Retry, RetryLayer};

#[cfg(feature = "upstream")]
pub(crate) use propagation::header_value;
#[cfg(feature = "upstream")]
pub(crate) use propagation::on_record;
#[cfg(feature = "upstream")]
pub(crate) use retry::{CallRetries, MAX_REPLAY_BYTES, ReplayBuffer};
