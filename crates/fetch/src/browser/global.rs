//! The global scope of JavaScript.

use wasm_bindgen::{JsCast as _, JsValue};

/// Returns the global scope as a window. In a worker the global scope is not a `Window`, but the functions that this crate uses have the same names there.
pub(super) fn global() -> web_sys::Window {
    js_sys::global().unchecked_into()
}

/// Returns the message of a thrown JavaScript value.
pub(super) fn message_of(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => thrown.as_string().unwrap_or_else(|| "the browser gave no reason".to_owned()),
    }
}
