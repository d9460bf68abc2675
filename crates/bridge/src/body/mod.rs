//! Building blocks for bodies that wrap other bodies.
//!
//! [`coalesce`] joins small chunks of data into larger ones. [`inspected_body`] looks at each frame of a body, and can end
//! it with another status. [`message_rules`] checks the prefixes of a request's messages.

mod coalesce;
mod inspected_body;
mod message_rules;

pub(crate) use coalesce::Coalesce;
#[cfg(test)]
pub(crate) use coalesce::{MAX_COALESCED, MAX_COPIED};
pub(crate) use inspected_body::{BodyEnd, FrameInspector, InspectedBody};
pub(crate) use message_rules::MessageRules;
