//! Why a call failed.

use leptos::prelude::*;

use crate::model::{CallState, Failure};
use crate::page::dom::{BoxedView, element, optional, text};
use crate::page::rpc::CallSlot;

/// Shows why the call failed, if it did: the explanation, the status code and the message. It consists of inline elements,
/// so that an `<output>` may contain it.
pub(crate) fn failure_notice(call: CallSlot) -> BoxedView {
    optional(move || {
        let state = call.state().read();
        let failure = state.as_ref().and_then(CallState::failure)?;
        let explanation = element("span", &[], [text(failure.explanation())]);
        Some(element("span", &[("class", "failure")], [explanation, text(" "), failure_status(failure)]))
    })
}

/// Shows the status of a failed call: the name of its code, and its message.
pub(crate) fn failure_status(failure: &Failure) -> BoxedView {
    let code = element("code", &[], [text(failure.code_name())]);
    element("span", &[("class", "status")], [code, text(format!(" {}", failure.message()))])
}
