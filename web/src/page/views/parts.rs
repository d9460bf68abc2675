//! Small parts that several views share.

use std::time::Duration;

use leptos::prelude::*;

use crate::model::{Failure, Life, words};
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
    view! { <span class="reason"><span>{failure.words()}</span>" "{status(failure)}</span> }
}

/// Shows the status of a call that failed: its code by name, and the message that came with it.
pub(super) fn status(failure: &Failure) -> impl IntoView + use<> {
    view! { <span class="status"><code>{failure.code_name()}</code>" "{failure.message().to_owned()}</span> }
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
    view! { <div role="status">{move || call.life().read().as_ref().and_then(Life::failure).map(reason)}</div> }
}

/// Tells how long a call has taken, and how much time it has left; or what ended it, and when. A good end is called
/// `completed`.
pub(super) fn timing(call: Call, time: ReadSignal<Duration>, completed: &'static str) -> AnyView {
    let life = call.life();
    let elapsed = move || life.read().as_ref().map_or_else(Default::default, |life| life.elapsed(time.get()));
    let ended_by = move || life.read().as_ref().and_then(|life| life.ended_by(completed));
    let granted = Memo::new(move |_| life.read().as_ref().and_then(Life::granted));
    let left = move || {
        let life = life.read();
        let life = life.as_ref().filter(|life| life.runs())?;
        life.remaining(time.get()).map(|left| format!("{} left", words::seconds(left)))
    };
    let left_ms = move || {
        life.read().as_ref().and_then(|life| life.remaining(time.get())).unwrap_or_default().as_millis()
    };
    view! {
        <div class="timing">
            <p>
                {ended_by}" "
                <time class="elapsed" datetime=move || words::machine_readable(elapsed())>
                    {move || words::seconds(elapsed())}
                </time>
                " "
                <span class="countdown">{left}</span>
            </p>
            {move || granted.get().map(|granted| view! {
                <progress class="fuse" aria-hidden="true" max=granted.as_millis().to_string() value=move || left_ms().to_string()></progress>
            })}
        </div>
    }
    .into_any()
}
