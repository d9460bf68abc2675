//! The CALL layer: one call, from the request that opens it to the one reason for which it ends.
//!
//! Read in this order:
//!
//! 1. [`context`]: what is known of a call, for its handler and for whoever ends it.
//! 2. [`layer`]: opens a context around every call, and follows its future.
//! 3. [`body`]: follows the answer's body, which the context can take away from under it.
//! 4. [`deadline`]: the policy that grants time, and the timer that ends a call.
//! 5. [`registry`]: the calls that are open.

mod body;
mod context;
mod deadline;
mod id;
mod layer;
mod registry;

pub use context::CallContext;
pub use deadline::DeadlinePolicy;
pub use id::CallId;
pub use registry::Calls;

pub(crate) use layer::CallLayer;
