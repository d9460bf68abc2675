//! What leaving a view has dropped, so that the view can say so when its user is back, and what the servers made of it.

use std::time::Duration;

use drawbridge_fetch::Trace;
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use super::clock::now;
use super::proofs::Proofs;
use crate::model::Sent;

/// A call that was dropped when its view was left.
#[derive(Clone)]
pub(crate) struct Gone {
    /// What it was, in the view's words.
    pub(crate) words: String,
    /// By what it can be followed. Its trace is empty where the page was loaded anew meanwhile.
    pub(crate) sent: Sent,
}

/// Remembers, for each view, the calls that were dropped when it was left: in memory for a change of route, and in
/// `sessionStorage` for a reload or a closed tab that is opened again. Where the browser forbids storage, memory alone
/// does its part.
///
/// The servers are asked at once where the page stays, and otherwise when the view is seen again.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    gone: StoredValue<Vec<(&'static str, Vec<Gone>)>>,
    proofs: Proofs,
    /// Whether it is the page that is left, and not only a view of it.
    leaving: StoredValue<bool>,
}

impl Left {
    /// Creates the memory in the current owner, which should be the page's.
    pub(crate) fn new() -> Self {
        let gone = StoredValue::new(Vec::new());
        Self { gone, proofs: expect_context(), leaving: StoredValue::new(false) }
    }

    /// Notes whether it is the whole page that is being left, where nobody can be asked any more.
    pub(crate) fn set_leaving(self, leaving: bool) {
        self.leaving.set_value(leaving);
    }

    /// Begins a stay in `view`, whose owner is the current one: returns what the last leave has dropped, which is told
    /// once, and notes at the end of this one what is `open` then.
    pub(crate) fn stay(
        self,
        view: &'static str,
        open: impl FnOnce() -> Vec<Gone> + Send + Sync + 'static,
    ) -> Vec<Gone> {
        let dropped = self.take(view);
        on_cleanup(move || self.note(view, open()));
        dropped
    }

    /// Notes that leaving `view` has dropped `calls`. Nothing dropped is nothing to tell.
    fn note(self, view: &'static str, calls: Vec<Gone>) {
        if calls.is_empty() {
            return;
        }
        if let Some(storage) = storage()
            && let Some(text) = to_json(&calls)
        {
            // A full or forbidden storage costs the notice after a reload, nothing else.
            let _ = storage.set_item(&name(view), &text);
        }
        if !self.leaving.get_value() {
            self.ask(&calls, Some(now()));
        }
        self.gone.update_value(|left| {
            left.retain(|(of, _)| *of != view);
            left.push((view, calls));
        });
    }

    /// Returns what the last leave of `view` has dropped. It is told once.
    fn take(self, view: &'static str) -> Vec<Gone> {
        let stored = storage().and_then(|storage| {
            let text = storage.get_item(&name(view)).ok()??;
            let _ = storage.remove_item(&name(view));
            from_json(&text)
        });
        let mut kept = None;
        self.gone.update_value(|left| {
            let place = left.iter().position(|(of, _)| *of == view);
            kept = place.map(|place| left.remove(place).1);
        });
        let calls = kept.or(stored).unwrap_or_default();
        self.ask(&calls, None);
        calls
    }

    fn ask(self, calls: &[Gone], let_go: Option<Duration>) {
        for call in calls {
            self.proofs.ask(call.sent.request_id.clone(), let_go);
        }
    }
}

fn name(view: &str) -> String {
    format!("drawbridge.left.{view}")
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}

/// Writes words and label of each call, one after the other.
fn to_json(calls: &[Gone]) -> Option<String> {
    let texts = calls.iter().flat_map(|call| [&call.words, &call.sent.request_id]);
    let array: js_sys::Array = texts.map(|text| JsValue::from_str(text)).collect();
    js_sys::JSON::stringify(&array).ok()?.as_string()
}

fn from_json(text: &str) -> Option<Vec<Gone>> {
    let value = js_sys::JSON::parse(text).ok()?;
    if !js_sys::Array::is_array(&value) {
        return None;
    }
    let texts: Vec<_> = js_sys::Array::from(&value).iter().filter_map(|text| text.as_string()).collect();
    let (pairs, _) = texts.as_chunks();
    let gone = |[words, request_id]: &[String; 2]| Gone {
        words: words.clone(),
        sent: Sent { request_id: request_id.clone(), trace: Trace::new() },
    };
    Some(pairs.iter().map(gone).collect())
}
