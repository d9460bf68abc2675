//! What the page thinks: pure, without clock, network or DOM, so that it is tested natively and fast.
//!
//! Read in this order:
//!
//! 1. [`Life`]: one call from its opening to its end, as a state machine.
//! 2. [`Press`]: what the same key, or the same button, does next with it.
//! 3. [`Failure`]: why a call failed, in words for a person.
//! 4. [`Terms`]: what a caller asks of a call besides its message, and how a person writes it.
//! 5. [`Limits`] and [`failing`]: a call over two hops, and how it shall fail.
//! 6. [`record`], [`Proof`] and [`Waterfall`]: what servers tell of a call, as words and as a drawing; [`Tone`] is how it
//!    ended, for both.
//! 7. [`Ledger`]: the calls of a server as they change.
//! 8. [`Services`]: what the server hosts and forwards.
//! 9. [`Task`]: a future that lives no longer than its owner.
//! 10. [`words`]: small things as text.
// Without the page, only the tests use this.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, unused_imports))]

pub(crate) mod failing;
mod failure;
mod hops;
mod ledger;
mod life;
pub(crate) mod metadata;
mod number;
mod press;
mod proof;
pub(crate) mod record;
mod request_id;
pub(crate) mod services;
mod task;
mod terms;
mod tone;
pub(crate) mod waterfall;
pub(crate) mod words;

pub(crate) use failure::Failure;
pub(crate) use hops::Limits;
pub(crate) use ledger::Ledger;
pub(crate) use life::{Event, Life, State};
pub(crate) use press::Press;
pub(crate) use proof::Proof;
pub(crate) use request_id::{X_REQUEST_ID, request_id};
pub(crate) use services::Services;
pub(crate) use task::Task;
pub(crate) use terms::{Sent, Terms, limit};
pub(crate) use tone::Tone;
pub(crate) use waterfall::Waterfall;
