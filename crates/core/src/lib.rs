//! Values and wire rules of gRPC and gRPC-Web calls, for servers, proxies and browser clients.
//!
//! The crate does no I/O and reads no clock: the current time and random numbers are arguments. It compiles to WASM.
//!
//! ```
//! use drawbridge_core::{Deadline, RetryDecision, RetryPolicy, RetryState, SharedThrottle, Timeout};
//! use std::time::{Duration, Instant};
//! use tonic::{Code, Status};
//!
//! let timeout: Timeout = "2S".parse().expect("a value of grpc-timeout");
//! let deadline = Deadline::after(Instant::now(), timeout);
//! let policy = RetryPolicy::new(3, [Code::Unavailable]);
//! let throttle = SharedThrottle::default();
//! let mut state = RetryState::new(&policy, &throttle);
//!
//! let remaining = deadline.map(|deadline| deadline.remaining(Instant::now()).duration());
//! let decision = state.after_failure(&Status::unavailable("try again"), false, remaining, 0.5);
//! assert_eq!(decision, RetryDecision::RetryAfter(Duration::from_millis(100)));
//! ```
//!
//! # Where to find what
//!
//! 1. [`Timeout`]: a duration, as `grpc-timeout` carries it. [`Deadline`]: the instant at which that time is up.
//!    [`duration`]: durations as people write them.
//! 2. [`EndReason`]: why a call ended, and the status that its caller receives.
//! 3. [`status`]: status codes, and statuses as headers and trailers. [`code_of_http`] maps HTTP statuses to codes.
//! 4. [`RetryPolicy`] and [`RetryState`]: whether a failed call is retried, and when.
//! 5. [`headers`], [`path`], [`Protocol`], [`ContentType`], [`FrameScanner`]: gRPC and gRPC-Web on the wire. [`connect`]: the
//!    values of Connect.

pub mod connect;
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

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
