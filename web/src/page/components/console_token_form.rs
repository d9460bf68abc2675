//! The form for the console's token.

use drawbridge_fetch::Transport;
use leptos::ev::SubmitEvent;
use leptos::html::Input;
use leptos::prelude::*;

use crate::model::Services;
use crate::page::dom::{BoxedView, boxed, text_signal};
use crate::page::rpc::{console, refresh_services};

/// Asks for the token. `on_token` is called when the page has one. `rejected` says that the last one was wrong.
pub(crate) fn console_token_form(rejected: bool, on_token: impl Fn() + 'static) -> BoxedView {
    let field = NodeRef::<Input>::new();
    field.on_load(|field| {
        // Without the focus, the user has to click into the field.
        let _ = field.focus();
    });
    let services = expect_context::<RwSignal<Services>>();
    let transport = expect_context::<Transport>();
    let problem =
        RwSignal::new(if rejected { "This is not the token of this server's console." } else { "" });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let token = field.get_untracked().map(|field| field.value()).unwrap_or_default();
        if token.trim().is_empty() {
            problem.set("Enter the token.");
        } else if console::keep_token(token.trim()) {
            on_token();
            refresh_services(transport.clone(), services);
        } else {
            problem.set("The browser stores nothing for this page, so it cannot keep the token.");
        }
    };
    boxed(view! {
        <form class="call-form" id="console-token-form" on:submit=submit>
            <label for="console-token">"Console token"</label>
            <input
                id="console-token"
                type="password"
                autocomplete="off"
                aria-describedby="console-token-help console-token-problem"
                aria-invalid=text_signal(move || (!problem.read().is_empty()).to_string())
                node_ref=field
            />
            <button type="submit" class="primary">"Show calls"</button>
            <p id="console-token-problem" class="problem" role="alert">{problem}</p>
            <p id="console-token-help" class="help">
                "This server shows its calls to clients of its own machine, and to those that have the token from its "
                <code>"--console-token-file"</code>
                ". The token stays in this tab and is sent to this server only."
            </p>
        </form>
    })
}
