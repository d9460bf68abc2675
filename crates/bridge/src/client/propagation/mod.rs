//! Makes the calls of a handler to other services children of the handler's own call.
//!
//! A module uses only modules below it in this list:
//!
//! 1. [`layer`]: the layer: which deadline and which ids a child call inherits.
//! 2. [`future`]: the future of a child call, until the head of its response.
//! 3. [`child_call`]: follows a child call to the end of its response body, and records its status.
//! 4. [`cancellation`]: what cancels a child call: its deadline, and the end of its parent.

mod cancellation;
mod child_call;
mod future;
mod layer;

#[cfg(feature = "upstream")]
pub(crate) use child_call::record_response;
pub use future::PropagationFuture;
pub use layer::{Detached, Propagation, PropagationLayer};
