//! The page's window.

use wasm_bindgen::JsError;
use web_sys::Window;

pub(crate) fn window() -> Result<Window, JsError> {
    web_sys::window().ok_or_else(|| JsError::new("there is no window"))
}
