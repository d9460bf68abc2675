//! The notice on calls that were dropped because the user left the view.

use leptos::prelude::*;

use crate::model::format;
use crate::page::dom::{BoxedView, boxed, element, text, text_signal};
use crate::page::rpc::{DroppedCall, Receipts};

/// Shows which calls were dropped when the user last left the view, an action, and the receipt of each call. `None` without
/// dropped calls.
pub(crate) fn dropped_notice(calls: &[DroppedCall], action: Option<BoxedView>) -> Option<BoxedView> {
    let labels: Vec<_> = calls.iter().map(|call| format::key(&call.label)).collect();
    let sentence = format!("Cancelled when you left this view: {}.", labels.join(", "));
    let children = [element("p", &[], [text(sentence)]), text(" ")].into_iter().chain(action);
    let children = children.chain(receipts(calls));
    (!calls.is_empty()).then(|| element("div", &[("id", "dropped"), ("role", "status")], children))
}

fn receipts(calls: &[DroppedCall]) -> Vec<BoxedView> {
    let several = calls.len() > 1;
    let receipts = expect_context::<Receipts>();
    let receipt = |call: &DroppedCall| {
        let label = if several { format!("{}. ", format::key(&call.label)) } else { String::new() };
        let request_id = call.sent.request_id.clone();
        let summary = boxed(text_signal(move || receipts.get(&request_id).summary()));
        element("p", &[("class", "receipt")], [text(label), summary])
    };
    calls.iter().map(receipt).collect()
}
