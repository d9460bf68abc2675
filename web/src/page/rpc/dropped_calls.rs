//! The calls that were dropped because the user left their view.

use std::time::Duration;

use drawbridge_fetch::Trace;
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use super::receipts::Receipts;
use crate::model::SentCall;
use crate::page::clock::now;

/// A call that was dropped because the user left its view.
#[derive(Clone)]
pub(crate) struct DroppedCall {
    /// What the view calls it.
    pub(crate) label: String,
    /// Its request id and trace. The trace is empty after a reload.
    pub(crate) sent: SentCall,
}

/// The dropped calls of each view, for the notice that the user sees on return.
///
/// They are kept in memory, and in `sessionStorage` for a reload or a tab that is closed and restored. Without storage,
/// memory alone is used. Receipts are fetched at once when the page stays, and on return otherwise.
#[derive(Clone, Copy)]
pub(crate) struct DroppedCalls {
    views: StoredValue<Vec<(&'static str, Vec<DroppedCall>)>>,
    receipts: Receipts,
    /// Whether the whole page is being unloaded.
    unloading: StoredValue<bool>,
}

impl DroppedCalls {
    /// Creates an empty store in the current owner, which should be the page's.
    pub(crate) fn new() -> Self {
        let views = StoredValue::new(Vec::new());
        Self { views, receipts: expect_context(), unloading: StoredValue::new(false) }
    }

    /// Sets whether the whole page is being unloaded. An unloading page cannot fetch receipts.
    pub(crate) fn set_unloading(self, unloading: bool) {
        self.unloading.set_value(unloading);
    }

    /// Returns the calls that were dropped when the user last left `view`, once. When the current owner is cleaned up, the
    /// calls that `open_calls` returns then are stored as dropped.
    pub(crate) fn track(
        self,
        view: &'static str,
        open_calls: impl FnOnce() -> Vec<DroppedCall> + Send + Sync + 'static,
    ) -> Vec<DroppedCall> {
        let dropped = self.take(view);
        on_cleanup(move || self.store(view, open_calls()));
        dropped
    }

    fn store(self, view: &'static str, calls: Vec<DroppedCall>) {
        if calls.is_empty() {
            return;
        }
        if let Some(storage) = session_storage()
            && let Some(json) = to_json(&calls)
        {
            // Without it, the notice after a reload is missing.
            let _ = storage.set_item(&storage_key(view), &json);
        }
        if !self.unloading.get_value() {
            self.fetch_receipts(&calls, Some(now()));
        }
        self.views.update_value(|views| {
            views.retain(|(other, _)| *other != view);
            views.push((view, calls));
        });
    }

    fn take(self, view: &'static str) -> Vec<DroppedCall> {
        let stored = session_storage().and_then(|storage| {
            let json = storage.get_item(&storage_key(view)).ok()??;
            let _ = storage.remove_item(&storage_key(view));
            from_json(&json)
        });
        let mut in_memory = None;
        self.views.update_value(|views| {
            let index = views.iter().position(|(other, _)| *other == view);
            in_memory = index.map(|index| views.remove(index).1);
        });
        let calls = in_memory.or(stored).unwrap_or_default();
        self.fetch_receipts(&calls, None);
        calls
    }

    fn fetch_receipts(self, calls: &[DroppedCall], ended: Option<Duration>) {
        for call in calls {
            self.receipts.fetch(call.sent.request_id.clone(), ended);
        }
    }
}

fn storage_key(view: &str) -> String {
    format!("drawbridge.dropped.{view}")
}

fn session_storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}

/// Serializes the label and the request id of each call, one after the other.
fn to_json(calls: &[DroppedCall]) -> Option<String> {
    let texts = calls.iter().flat_map(|call| [&call.label, &call.sent.request_id]);
    let array: js_sys::Array = texts.map(|text| JsValue::from_str(text)).collect();
    js_sys::JSON::stringify(&array).ok()?.as_string()
}

fn from_json(json: &str) -> Option<Vec<DroppedCall>> {
    let value = js_sys::JSON::parse(json).ok()?;
    if !js_sys::Array::is_array(&value) {
        return None;
    }
    let texts: Vec<_> = js_sys::Array::from(&value).iter().filter_map(|text| text.as_string()).collect();
    let (pairs, _) = texts.as_chunks();
    let dropped = |[label, request_id]: &[String; 2]| DroppedCall {
        label: label.clone(),
        sent: SentCall { request_id: request_id.clone(), trace: Trace::new() },
    };
    Some(pairs.iter().map(dropped).collect())
}
