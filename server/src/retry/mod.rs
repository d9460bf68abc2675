//! Calls that failed are tried again, inside their one deadline.
//!
//! Read in this order:
//!
//! 1. `drawbridge_call::RetryPolicy`: what is tried again, how often, and after how long. Pure arithmetic.
//! 2. [`layer`]: makes the attempts of a call, one after the other.
//! 3. [`replay`]: a request's body, kept for as long as it may have to be sent again.

mod layer;
mod replay;
#[cfg(test)]
mod tests;

pub use layer::{Retry, RetryLayer};
