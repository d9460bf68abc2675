//! The global scope of JavaScript.

use wasm_bindgen::{JsCast as _, JsValue};

/// Returns the global scope as a window. In a worker it is not a window, but what this crate uses has the same names.
pub(super) fn global() -> web_sys::Window {
    js_sys::global().unchecked_into()
}

/// Returns the message of what JavaScript threw.
pub(super) fn message_of(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => thrown.as_string().unwrap_or_else(|| "the browser gave no reason".to_owned()),
    }
}
