//! What the page thinks: pure, without clock, network or DOM, so that it is tested natively and fast.
//!
//! Read in this order:
//!
//! 1. [`Life`]: one call from its opening to its end, as a state machine.
//! 2. [`Press`]: what the same key, or the same button, does next with it.
//! 3. [`Failure`]: why a call failed, in words for a person.
//! 4. [`Terms`]: what a caller asks of a call besides its message, and how a person writes it.
//! 5. [`Limits`]: a call over two hops, and what each was given.
//! 6. [`Task`]: a future that lives no longer than its owner.
//! 7. [`words`]: small things as text.
// Without the page, only the tests use this.
#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, unused_imports))]

mod failure;
mod hops;
mod life;
pub(crate) mod metadata;
mod press;
mod task;
mod terms;
pub(crate) mod words;

pub(crate) use failure::Failure;
pub(crate) use hops::{Given, Limits};
pub(crate) use life::{Event, Life, State};
pub(crate) use press::Press;
pub(crate) use task::Task;
pub(crate) use terms::{Terms, limit};
