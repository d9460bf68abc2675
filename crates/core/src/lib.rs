#![doc = include_str!("../README.md")]
//!
//! # Where to find what
//!
//! 1. [`Timeout`]: a duration, as `grpc-timeout` carries it. [`Deadline`]: the instant at which that time is up.
//! 2. [`EndReason`]: why a call ended, and the status that its caller receives.
//! 3. [`status`]: status codes, and statuses as headers and trailers. [`code_of_http`] maps HTTP statuses to codes.
//! 4. [`RetryPolicy`] and [`RetryState`]: whether a failed call is retried, and when.
//! 5. [`headers`], [`path`], [`Protocol`], [`ContentType`], [`FrameScanner`]: gRPC and gRPC-Web on the wire.

mod content_type;
mod deadline;
pub mod duration;
mod end_reason;
pub mod frame;
pub mod headers;
pub mod path;
mod protocol;
mod retry;
pub mod status;
mod timeout;

pub use content_type::ContentType;
pub use deadline::{Deadline, TimePoint};
pub use end_reason::EndReason;
pub use frame::FrameScanner;
pub use protocol::Protocol;
pub use retry::{
    Attempts, FailedAttempt, Pushback, RetryDecision, RetryPolicy, RetryState, SharedThrottle, Throttle,
    out_of_time,
};
pub use status::{code_name, code_of_http};
pub use timeout::{ParseTimeoutError, Timeout};
