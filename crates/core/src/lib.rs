//! What a gRPC call carries, as plain values: no I/O, no clock, no DOM. `now` is always an argument.
//!
//! Read in this order:
//!
//! 1. [`Timeout`]: a duration, as the `grpc-timeout` header carries it.
//! 2. [`Deadline`]: the instant that a timeout becomes when a call starts.
//! 3. [`EndReason`]: why a call ended, and the status that its peer sees for it.
//! 4. [`code_of_http`]: what an HTTP status means where a gRPC one should have been.
//! 5. [`RetryPolicy`] and [`Attempts`]: whether a call that failed is tried again, and when.

mod deadline;
mod end_reason;
mod http_status;
mod retry;
mod timeout;

pub use deadline::{Deadline, Instant};
pub use end_reason::{EndReason, code_name};
pub use http_status::code_of_http;
pub use retry::{
    Attempts, Failure, GRPC_PREVIOUS_RPC_ATTEMPTS, GRPC_RETRY_PUSHBACK_MS, Next, Pushback, RetryPolicy,
    Throttle,
};
pub use timeout::{GRPC_TIMEOUT, ParseTimeoutError, Timeout};
