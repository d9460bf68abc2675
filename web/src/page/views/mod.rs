//! The views, one file each.

mod calls;
mod deadlines;
mod deadlines_form;
mod greeter;
mod not_found;
mod services;
mod stream_card;
mod streams;
mod waterfall;

pub(super) use calls::calls;
pub(super) use deadlines::deadlines;
pub(super) use greeter::greeter;
pub(super) use not_found::not_found;
pub(super) use services::services;
pub(super) use streams::streams;
