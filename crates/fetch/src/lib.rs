//! A tonic transport for browsers: gRPC-Web over `fetch`, where dropping the call aborts it.
//!
//! `Transport` is a tower service over which tonic's generated clients work in a page. It exists where a browser is:
//! on `wasm32`. Everything that it does without a browser's help is plain Rust, and is tested natively.
//!
//! Read in this order:
//!
//! 1. [`CallOptions`] and [`CancelHandle`]: what a caller says about a call.
//! 2. [`Cause`]: why a call failed, where it was not the server that said so.
//! 3. [`Trace`]: what became of a call and of each attempt at it.
//! 4. `service`, `call`, `retry`, `attempt`, `answer`: a call from its request to its answer, over whatever `host` gives
//!    it.
//! 5. `body` and `reader`: the answer to its trailers.
//! 6. `lifeline` and `source`: the guard of a call, and the one place where it is ended from this side.
//! 7. `decoder`, `frame`, `text`, `arity`, `trailers`, `metadata`, `head`: gRPC-Web on the wire.
//! 8. `browser`: fetch, timers and the end of the page.

// Without a browser only the tests use what is below the public types.
#![cfg_attr(not(any(test, target_arch = "wasm32")), expect(dead_code))]

mod answer;
mod arity;
mod attempt;
mod body;
mod call;
mod cancel;
mod cause;
mod decoder;
mod frame;
mod head;
mod host;
mod lifeline;
mod malformed;
mod metadata;
mod options;
mod reader;
mod retry;
mod service;
mod source;
mod text;
mod timer;
mod trace;
mod trailers;

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "wasm32")]
pub use browser::{ResponseBody, ResponseFuture, Transport, now};
pub use cancel::CancelHandle;
pub use cause::Cause;
pub use drawbridge_core::{RetryPolicy, Throttle};
pub use options::CallOptions;
pub use trace::{Attempt, Backoff, Trace, Traced};
