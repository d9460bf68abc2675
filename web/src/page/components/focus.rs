//! Focus on a field.

use leptos::prelude::document;
use leptos::wasm_bindgen::JsCast as _;

/// Moves the focus to the field with this id, and opens the `<details>` around it.
pub(super) fn focus_field(id: &str) {
    if let Some(element) = document().get_element_by_id(id) {
        if let Ok(Some(details)) = element.closest("details") {
            let _ = details.set_attribute("open", "");
        }
        let _ = element.unchecked_into::<web_sys::HtmlElement>().focus();
    }
}
