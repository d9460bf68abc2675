//! Calls that belong to a view, and what the page asks the server about calls.

mod call_slot;
pub(crate) mod console;
mod dropped_calls;
mod live_calls;
mod live_connection;
mod receipts;
mod services;

pub(crate) use call_slot::CallSlot;
pub(crate) use dropped_calls::{DroppedCall, DroppedCalls};
pub(crate) use live_calls::{LiveCalls, WatchStatus};
pub(crate) use live_connection::LiveConnection;
pub(crate) use receipts::Receipts;
pub(crate) use services::{fetch_services, refresh_services};
