//! The times of a call.

use std::time::Duration;

use leptos::prelude::*;

use crate::model::{CallState, format};
use crate::page::dom::{BoxedView, boxed, text_signal};
use crate::page::rpc::CallSlot;

/// Shows the elapsed time of an open call and the time left to its deadline, or how and after which time it ended.
/// `completed` is the label for OK.
pub(crate) fn timing(call: CallSlot, time: ReadSignal<Duration>, completed: &'static str) -> BoxedView {
    let state = call.state();
    let elapsed =
        move || state.read().as_ref().map_or_else(Default::default, |state| state.elapsed(time.get()));
    let is_open = move || call.is_open();
    let end = move || state.read().as_ref().and_then(|state| state.end_label(completed)).unwrap_or_default();
    let timeout = move || state.read().as_ref().and_then(CallState::timeout);
    let countdown = move || {
        let state = state.read();
        let left =
            state.as_ref().filter(|state| state.is_open()).and_then(|state| state.remaining(time.get()));
        left.map_or_else(String::new, |left| format!("{} left", format::seconds(left)))
    };
    let remaining =
        move || state.read().as_ref().and_then(|state| state.remaining(time.get())).unwrap_or_default();
    boxed(view! {
        <div class="timing" hidden=move || state.read().is_none()>
            <p>
                {text_signal(end)}" "
                <span class="elapsed">
                    {text_signal(move || if is_open() { format::seconds(elapsed()) } else { format::elapsed(elapsed()) })}
                </span>
                " "
                <span class="countdown">{text_signal(countdown)}</span>
            </p>
            <progress
                class="countdown-bar"
                aria-hidden="true"
                hidden=move || timeout().is_none()
                max=text_signal(move || format::milliseconds(timeout().unwrap_or_default()))
                value=text_signal(move || format::milliseconds(remaining()))
            ></progress>
        </div>
    })
}
