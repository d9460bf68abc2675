//! Calls that a handler makes to other services, as children of its own.
//!
//! Read in this order:
//!
//! 1. [`layer`]: what a child call inherits, and how it is sent.
//! 2. [`bounds`]: what ends a child call before its answer is complete: its deadline, and its parent's end.
//! 3. [`body`]: the child's answer, held to the same bounds.

mod body;
mod bounds;
mod layer;

pub(crate) use layer::header_value;
#[cfg(feature = "upstream")]
pub(crate) use layer::on_record;
pub use layer::{Detached, Propagation, PropagationFuture, PropagationLayer};
