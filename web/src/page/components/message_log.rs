//! The messages of a call.

use leptos::prelude::*;

use super::failure_notice::failure_notice;
use super::receipt_notice::receipt_notice;
use crate::model::CallState;
use crate::page::dom::{BoxedView, element, keyed_list, text};
use crate::page::rpc::CallSlot;

/// Shows the messages of a call as they arrive, and below them why it failed or the receipt of its cancellation. The newest
/// message stays in sight.
pub(crate) fn message_log(call: CallSlot) -> BoxedView {
    let numbers =
        move || call.state().read().as_ref().map(CallState::message_numbers).into_iter().flatten().collect();
    let message = move |number| {
        let state = call.state().read_untracked();
        state.as_ref().and_then(|state| state.message(number)).unwrap_or_default().to_owned()
    };
    let messages = keyed_list(numbers, move |number| element("li", &[], [text(message(number))]));
    let log = element(
        "div",
        &[("class", "log")],
        [
            element("ol", &[("class", "messages")], [messages]),
            element("div", &[("role", "status")], [failure_notice(call)]),
            receipt_notice(call),
        ],
    );
    element("div", &[("class", "message-log")], [log])
}
