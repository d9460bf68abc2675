//! The views that are a module of their own, which the browser loads after the first view.

use leptos::wasm_split::{SplitLoaderError, wasm_split};

use super::{calls::calls, deadlines::deadlines, greeter::greeter};
use crate::page::dom::BoxedView;

/// The functions that show the views of the second module.
#[derive(Clone, Copy)]
pub(crate) struct LaterViews {
    pub(crate) greeter: fn() -> BoxedView,
    pub(crate) deadlines: fn() -> BoxedView,
    pub(crate) calls: fn() -> BoxedView,
}

/// Loads the second module, unless it is loaded, and returns its views.
#[allow(clippy::unnecessary_wraps, reason = "the error is that the module was not loaded")]
#[wasm_split(later, wasm_split_path = ::leptos::wasm_split, fallible)]
pub(crate) fn later_views() -> Result<LaterViews, SplitLoaderError> {
    Ok(LaterViews { greeter, deadlines, calls })
}
