//! The views, one file each, and what several of them show.

mod calls;
mod deadlines;
mod greeter;
mod not_found;
mod parts;
mod services;
mod stream_card;
mod streams;
mod waterfall;

pub(crate) use calls::calls;
pub(crate) use deadlines::deadlines;
pub(crate) use greeter::greeter;
pub(crate) use not_found::not_found;
pub(crate) use services::{hint, services};
pub(crate) use streams::streams;
