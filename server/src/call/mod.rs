//! The CALL layer: one call, from the request that opens it to the one reason for which it ends.
//!
//! Read in this order:
//!
//! 1. [`context`]: what is known of a call, for its handler and for whoever ends it.
//! 2. [`scope`]: what runs as part of a call; [`work`]: tasks that belong to one.
//! 3. [`layer`]: opens a context around every call, and follows its future.
//! 4. [`body`]: follows the answer's body, which the context can take away from under it.
//! 5. [`deadline`]: the policy that grants time, and the timer that ends a call.
//! 6. [`registry`]: the calls that are open, and [`history`]: those that ended last.
//! 7. [`works`]: what runs for a call, and when it stopped; [`forwarded`]: where it went, if it is not hosted;
//!    [`log`]: what the log says of it.

mod body;
mod context;
mod deadline;
mod forwarded;
mod history;
mod id;
mod layer;
mod log;
mod registry;
mod request_id;
mod scope;
#[cfg(test)]
mod testing;
mod work;
mod works;

pub use context::CallContext;
pub use deadline::DeadlinePolicy;
pub use id::{CallId, ParseCallIdError};
pub use registry::Calls;
pub use request_id::RequestId;
pub use work::AtEnd;

pub(crate) use context::now;
pub(crate) use forwarded::{Addresses, Forwarded};
pub(crate) use id::IdHasher;
pub(crate) use layer::{
    CallLayer, GRPC_STATUS, PREVIOUS_ATTEMPTS, TIMEOUT, X_PARENT_CALL_ID, asked_timeout, code_in,
};
pub(crate) use registry::Watching;
pub(crate) use request_id::X_REQUEST_ID;
pub(crate) use works::{Work, WorkKind, Working};
