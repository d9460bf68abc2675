//! The receipt of a cancelled call.

use leptos::prelude::*;

use crate::model::Phase;
use crate::page::dom::{BoxedView, boxed, element, optional, text_signal};
use crate::page::rpc::CallSlot;

/// Shows the receipt of the call, if the user cancelled it.
pub(super) fn receipt_notice(call: CallSlot) -> BoxedView {
    optional(move || {
        let state = call.state().read();
        let cancelled = state.as_ref().is_some_and(|state| *state.phase() == Phase::Cancelled);
        cancelled.then(|| {
            let summary = boxed(text_signal(move || call.receipt().summary()));
            element("p", &[("class", "receipt"), ("role", "status")], [summary])
        })
    })
}
