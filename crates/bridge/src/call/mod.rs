//! The CALL layer: one call, from the request that opens it to the one reason for which it ends.
//!
//! A module uses only modules above it in this list:
//!
//! 1. [`id`], [`request_id`], [`request_info`]: what the head of a request says about its call. [`deadline_policy`]: the
//!    time that it is granted.
//! 2. [`record`]: what is known of a call; [`moment`]: when something happened in it. [`activity`]: what runs for it besides its handler; [`forwarding`]: where it was
//!    forwarded to. [`log`]: its two log lines.
//! 3. [`list`]: where the calls of one shard are kept; [`history`] and [`deadline_queue`] are parts of it. [`observers`]: the
//!    log and the hooks of its users. [`shards`]: all shards of a list; [`permits`]: how many calls they may have open.
//! 4. [`response_slot`]: what a call keeps of its response. [`request_wait`]: how long it has waited for its request. [`pushback`]: when a client is asked to retry.
//! 5. [`context`]: one call, as its handler and whatever ends it share it. [`guard`] follows it to its end, [`scope`] and
//!    [`task`] run futures as part of it.
//! 6. [`keeper`]: ends calls at their deadlines. [`request_watch`]: ends calls whose request stalls. [`calls`]: the list as its users see it.
//! 7. [`body`] and [`future`]: follow the response and the future of each call. [`layer`] opens it.

mod activity;
mod body;
mod calls;
mod clock;
mod context;
mod deadline_policy;
mod deadline_queue;
mod forwarding;
mod future;
mod guard;
mod history;
mod id;
mod keeper;
mod layer;
mod list;
mod log;
mod moment;
mod observers;
mod permits;
mod pushback;
mod record;
mod request_id;
mod request_info;
mod request_wait;
mod request_watch;
mod response_slot;
mod scope;
mod shards;
mod task;
#[cfg(test)]
mod testing;

pub use body::{CallBody, Truncated};
pub use calls::Calls;
pub use context::{Activity, CallContext};
pub use deadline_policy::DeadlinePolicy;
pub use future::CallFuture;
pub use id::{CallId, ParseCallIdError};
pub use layer::{CallLayer, CallService};
pub use request_id::RequestId;
pub use task::OnCallEnd;

pub(crate) use activity::ActivityKind;
#[cfg(feature = "console")]
pub(crate) use activity::ActivityRecord;
#[cfg(feature = "console")]
pub(crate) use calls::{LastEnds, Watching};
pub(crate) use clock::now;
#[cfg(feature = "upstream")]
pub(crate) use forwarding::Addresses;
#[cfg(feature = "console")]
pub(crate) use forwarding::Forwarded;
#[cfg(feature = "serve")]
pub(crate) use guard::drop_stalled;
#[cfg(feature = "console")]
pub(crate) use id::IdHasher;
pub(crate) use request_info::requested_timeout;
