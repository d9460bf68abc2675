//! The browser's half: fetch, timers, the end of the page. As thin as it can be, because only a browser tests it.
//!
//! `transport` is what a page uses; `host` ties a call to `fetch` (one attempt at a request), `alarm` (a deadline on
//! a page's timers) and `listener` (events of the page).

mod alarm;
mod fetch;
mod host;
mod listener;
mod transport;

pub use host::now;
pub use transport::{ResponseBody, ResponseFuture, Transport};

use wasm_bindgen::{JsCast as _, JsValue};

/// Returns the global scope. In a worker it is none of a window, but what is used here of either has the same names.
fn scope() -> web_sys::Window {
    js_sys::global().unchecked_into()
}

/// Returns the words of what JavaScript threw.
fn words_of(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => thrown.as_string().unwrap_or_else(|| "the browser gave no reason".to_owned()),
    }
}
