//! Small parts that several views share.

use leptos::prelude::*;

use crate::model::{Failure, Life};
use crate::page::bridge;
use crate::page::call::Call;

/// Shows the head of a view: what it is for, in a few short `sentences` and in the words of `more`, beside the bridge.
pub(super) fn hero(sentences: &[&'static str], more: &'static str) -> impl IntoView + use<> {
    let sentences: Vec<_> = sentences.iter().map(|sentence| view! { <span>{*sentence}</span>" " }).collect();
    view! {
        <header class="hero">
            <h1>{sentences}</h1>
            <p>{more}</p>
            {bridge::whole()}
        </header>
    }
}

/// Shows why a call failed: what it means, then the code and the message as they came. It is made of what may stand in a
/// line of text, so that it may stand in an `<output>` too.
pub(super) fn reason(failure: &Failure) -> impl IntoView + use<> {
    let message = failure.message().to_owned();
    view! {
        <span class="reason">
            <span>{failure.words()}</span>
            " "
            <span class="status"><code>{failure.code()}</code>" "{message}</span>
        </span>
    }
}

/// Lists the messages of a call as they came.
pub(super) fn messages(call: Call) -> impl IntoView {
    let numbered = move || match &*call.life().read() {
        Some(life) => life.messages().map(|(number, message)| (number, message.to_owned())).collect(),
        None => Vec::new(),
    };
    view! {
        <For each=numbered key=|(number, _)| *number children=|(_, message)| view! { <li>{message}</li> } />
    }
}

/// Shows why the call failed, if it did.
pub(super) fn failure(call: Call) -> impl IntoView {
    move || call.life().read().as_ref().and_then(Life::failure).map(reason)
}
