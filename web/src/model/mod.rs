//! The page's state and rules: no clock, network or DOM, so that native tests cover it.
//!
//! Read in this order:
//!
//! 1. [`CallState`]: one call from its start to its end, as a state machine.
//! 2. [`ButtonAction`]: what a call's button does in each state.
//! 3. [`Failure`]: why a call failed, explained to a user.
//! 4. [`CallSettings`], [`metadata`] and [`parse`]: timeout, metadata and retry policy of a call, and how a user writes
//!    them.
//! 5. [`HopTimeouts`] and [`fault_injection`]: the call over two hops, and its injected failures.
//! 6. [`call_format`], [`Receipt`] and [`Waterfall`]: the servers' records of a call, as text and as a diagram.
//!    [`Severity`] selects their colour.
//! 7. [`CallList`]: the server's calls, updated by `Watch`.
//! 8. [`Connection`]: the connection of a live view, over restarts of the server.
//! 9. [`Services`]: the services that the server hosts and forwards.
//! 10. [`console_token`]: how the console asks for its token, and how it is sent.
//! 11. [`Task`]: a background future that its owner cancels by dropping it.
//! 12. [`mod@format`]: durations and keys as text.
// Only the page and the tests use this module, so a native build without tests finds it unused.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, unused_imports))]

mod button_action;
pub(crate) mod call_format;
mod call_list;
mod call_settings;
mod call_state;
mod connection;
pub(crate) mod console_token;
mod failure;
pub(crate) mod fault_injection;
pub(crate) mod format;
mod hop_timeouts;
pub(crate) mod metadata;
pub(crate) mod parse;
mod receipt;
mod request_id;
pub(crate) mod services;
mod severity;
mod task;
pub(crate) mod waterfall;

pub(crate) use button_action::ButtonAction;
pub(crate) use call_list::CallList;
pub(crate) use call_settings::{CallSettings, SentCall};
pub(crate) use call_state::{CallEvent, CallState, Phase};
pub(crate) use connection::{Connection, Link};
pub(crate) use failure::Failure;
pub(crate) use hop_timeouts::HopTimeouts;
pub(crate) use receipt::Receipt;
pub(crate) use services::Services;
pub(crate) use severity::Severity;
pub(crate) use task::Task;
pub(crate) use waterfall::Waterfall;
