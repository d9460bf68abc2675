//! What leaving a view has dropped, so that the view can say so when its user is back.

use std::collections::HashMap;

use leptos::prelude::*;
use wasm_bindgen::JsValue;

/// Remembers, for each view, the calls that were dropped when it was left: in memory for a change of route, and in
/// `sessionStorage` for a reload or a closed tab that is opened again. Where the browser forbids storage, memory alone
/// does its part.
#[derive(Clone, Copy)]
pub(crate) struct Left(StoredValue<HashMap<&'static str, Vec<String>>>);

impl Left {
    /// Creates the memory in the current owner, which should be the page's.
    pub(crate) fn new() -> Self {
        Self(StoredValue::new(HashMap::new()))
    }

    /// Notes that leaving `view` has dropped `calls`. Nothing dropped is nothing to tell.
    pub(crate) fn note(self, view: &'static str, calls: Vec<String>) {
        if calls.is_empty() {
            return;
        }
        if let Some(storage) = storage()
            && let Some(text) = to_json(&calls)
        {
            // A full or forbidden storage costs the notice after a reload, nothing else.
            let _ = storage.set_item(&name(view), &text);
        }
        self.0.update_value(|left| {
            left.insert(view, calls);
        });
    }

    /// Returns what the last leave of `view` has dropped. It is told once.
    pub(crate) fn take(self, view: &'static str) -> Vec<String> {
        let stored = storage().and_then(|storage| {
            let text = storage.get_item(&name(view)).ok()??;
            let _ = storage.remove_item(&name(view));
            from_json(&text)
        });
        self.0.try_update_value(|left| left.remove(view)).flatten().or(stored).unwrap_or_default()
    }
}

fn name(view: &str) -> String {
    format!("drawbridge.left.{view}")
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}

fn to_json(calls: &[String]) -> Option<String> {
    let array: js_sys::Array = calls.iter().map(|call| JsValue::from_str(call)).collect();
    js_sys::JSON::stringify(&array).ok()?.as_string()
}

fn from_json(text: &str) -> Option<Vec<String>> {
    let value = js_sys::JSON::parse(text).ok()?;
    js_sys::Array::is_array(&value)
        .then(|| js_sys::Array::from(&value).iter().filter_map(|call| call.as_string()).collect())
}
