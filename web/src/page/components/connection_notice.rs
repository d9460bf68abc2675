//! What happened to the connection of a live view.

use leptos::prelude::*;

use crate::model::Link;
use crate::page::clock;
use crate::page::dom::{BoxedView, boxed, optional, text_signal};
use crate::page::rpc::LiveConnection;

/// Shows that the connection broke and when the next call is made, or that it came back. Shows nothing before the first break,
/// and while `active` is false.
pub(crate) fn connection_notice(
    connection: LiveConnection,
    active: impl Fn() -> bool + Copy + Send + Sync + 'static,
) -> BoxedView {
    let state = connection.state();
    let waits = Memo::new(move |_| active() && matches!(state.read().link(), Link::Waiting(_)));
    let shown = Memo::new(move |_| active() && !state.read().note().is_empty());
    let time = clock::ticking(waits);
    optional(move || {
        shown.get().then(|| {
            boxed(view! {
                <div class="connection" data-waits=text_signal(move || waits.get().to_string())>
                    <p>
                        <span role="status">{text_signal(move || state.read().note())}</span>
                        " "
                        // Not in the status, which would be read at each second.
                        <span class="next-call">{text_signal(move || state.read().next_call(time.get()))}</span>
                    </p>
                    {optional(move || waits.get().then(|| boxed(view! {
                        <button id="connect-now" type="button" on:click=move |_| connection.reconnect_now()>
                            "Connect now"
                        </button>
                    })))}
                </div>
            })
        })
    })
}
