//! Views, elements, lists and text that are compiled once for the whole page.
//!
//! Leptos compiles each `view!` for its own type. These functions have one type for all, which keeps the page small.

mod boxed_view;
mod element;
mod keyed_list;
mod text_signal;

pub(crate) use boxed_view::{BoxedView, boxed, optional};
pub(crate) use element::{element, text};
pub(crate) use keyed_list::keyed_list;
pub(crate) use text_signal::text_signal;
