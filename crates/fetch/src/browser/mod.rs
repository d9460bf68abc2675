//! The platform of a page or a worker. As little code as possible, because only a browser can test it.
//!
//! `platform` implements `Platform` with `fetch` (requests), `timer`, `listener` (events) and `global` (the global scope).

mod fetch;
mod global;
mod listener;
mod platform;
mod timer;

pub(crate) use platform::Browser;
pub use platform::now;
