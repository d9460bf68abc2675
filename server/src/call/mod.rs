//! The CALL layer: one call, from the request that opens it to the one reason for which it ends.
//!
//! Read in this order:
//!
//! 1. [`context`]: what is known of a call, for its handler and for whoever ends it.
//! 2. [`scope`]: what runs as part of a call; [`work`]: tasks that belong to one.
//! 3. [`layer`]: opens a context around every call, and follows its future.
//! 4. [`body`]: follows the answer's body, which the context can take away from under it.
//! 5. [`deadline`]: the policy that grants time, and the timer that ends a call.
//! 6. [`registry`]: the calls that are open.

mod body;
mod context;
mod deadline;
mod id;
mod layer;
mod registry;
mod request_id;
mod scope;
mod work;

pub use context::CallContext;
pub use deadline::DeadlinePolicy;
pub use id::CallId;
pub use registry::Calls;
pub use request_id::RequestId;
pub use work::AtEnd;

pub(crate) use context::now;
pub(crate) use layer::{CallLayer, TIMEOUT, asked_timeout};
pub(crate) use request_id::X_REQUEST_ID;
