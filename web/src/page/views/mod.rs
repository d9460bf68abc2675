//! The views, one file each.

mod calls;
mod deadlines;
mod deadlines_form;
mod greeter;
mod later;
mod not_found;
mod not_loaded;
mod services;
mod stream_card;
mod streams;
mod waterfall;

pub(super) use later::{LaterViews, later_views};
pub(super) use not_found::not_found;
pub(super) use not_loaded::not_loaded;
pub(super) use services::services;
pub(super) use streams::streams;
