//! *Greeter*: a unary call, and a server stream that belongs to the view.

use std::time::Duration;

use drawbridge_fetch::Transport;
use drawbridge_proto::greet::greeter_client::GreeterClient;
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use leptos::prelude::*;

use crate::model::{CallState, Link, Phase};
use crate::page::clock;
use crate::page::components::{
    CallSettingsFields, InputAttributes, TextField, announcer, call_form, connection_notice, dropped_notice,
    failure_notice, hero, message_log, submit_button, timing,
};
use crate::page::dom::{BoxedView, boxed, text, text_signal};
use crate::page::rpc::{CallSlot, DroppedCall, DroppedCalls, LiveConnection};

/// The key of the view's dropped calls.
const VIEW: &str = "greeter";

/// What the notice of dropped calls calls the stream.
const STREAM: &str = "the stream of greetings";

/// The form and the two calls.
#[derive(Clone, Copy)]
struct GreeterView {
    client: StoredValue<GreeterClient<Transport>, LocalStorage>,
    name: TextField,
    settings: CallSettingsFields,
    greeting: CallSlot,
    greetings: CallSlot,
    connection: LiveConnection,
}

impl GreeterView {
    fn new() -> Self {
        Self {
            client: StoredValue::new_local(GreeterClient::new(expect_context())),
            name: TextField::new("ada"),
            settings: CallSettingsFields::new(),
            greeting: CallSlot::new(),
            greetings: CallSlot::new(),
            connection: LiveConnection::new(),
        }
    }

    fn request(self) -> HelloRequest {
        HelloRequest { name: self.name.current() }
    }

    /// Starts the unary call.
    fn say_hello(self) {
        if let Some(settings) = self.settings.read() {
            let mut client = self.client.get_value();
            let send = async move |request| client.say_hello(request).await;
            self.greeting.start_unary(&settings, self.request(), send, |HelloReply { message }| message);
        }
    }

    /// Starts the stream, unless it is open.
    fn start(self) {
        if !untrack(|| self.greetings.is_open())
            && let Some(settings) = self.settings.read()
        {
            let client = self.client.get_value();
            let send = move |request| {
                let mut client = client.clone();
                async move { client.say_hellos(request).await }
            };
            let text = |HelloReply { message }| message;
            self.greetings.start_live(&settings, self.connection, self.request(), send, text);
        }
    }

    fn open_calls(self) -> Vec<DroppedCall> {
        [(self.greeting, "the pending greeting"), (self.greetings, STREAM)]
            .into_iter()
            .filter_map(|(call, label)| call.to_dropped(label))
            .collect()
    }
}

/// Shows the view.
pub(crate) fn greeter() -> BoxedView {
    let view = GreeterView::new();
    let dropped = expect_context::<DroppedCalls>().track(VIEW, move || view.open_calls());
    let start_again = dropped.iter().any(|call| call.label == STREAM).then(|| start_again_button(view));
    view.name.focus_on_load();
    let attributes = InputAttributes {
        enterkeyhint: Some("send"),
        describedby: Some("name-help".to_owned()),
        ..InputAttributes::default()
    };
    let button = submit_button("say-hello", text("Say hello"));
    let form = call_form("name", "Name", view.name, attributes, button, move || view.say_hello());
    let streaming = Memo::new(move |_| view.greetings.is_open());
    let time = clock::ticking(Memo::new(move |_| view.greetings.is_open() || view.greeting.is_open()));
    boxed(view! {
        {hero(
            &["One greeting,", "or a live stream."],
            "The unary call gets one greeting. The server stream sends one every second until you stop it or leave this \
             view: then the handler on the server ends too.",
        )}
        {dropped_notice(&dropped, start_again)}
        <div class="greeter-form">
            {form}
            <p id="name-help" class="help">
                "Users of the directory are greeted by their full name, other names as entered. Try "
                <kbd>"ada"</kbd> ", or " <kbd>"slow"</kbd> ", whose lookup takes three seconds."
            </p>
        </div>
        {view.settings.view()}
        <div class="greeter">{unary(view.greeting, time)} {stream(view, time, streaming)}</div>
        {announcer(text_signal(move || last_greeting(view.greetings)), streaming)}
    })
}

/// Shows a button that starts the stream that was dropped.
fn start_again_button(view: GreeterView) -> BoxedView {
    boxed(view! { <button type="button" on:click=move |_| view.start()>"Start again"</button> })
}

/// Shows the unary call.
fn unary(greeting: CallSlot, time: ReadSignal<Duration>) -> BoxedView {
    boxed(view! {
        <section class="panel" aria-labelledby="unary-title">
            <h2 id="unary-title">"Unary call"</h2>
            <output id="greeting" for="name" data-state=text_signal(move || greeting_state(greeting))>
                {text_signal(move || greeting_text(greeting))}
                {failure_notice(greeting)}
            </output>
            <footer>{timing(greeting, time, "Answered after")}</footer>
        </section>
    })
}

/// Shows the stream.
fn stream(view: GreeterView, time: ReadSignal<Duration>, streaming: Memo<bool>) -> BoxedView {
    let greetings = view.greetings;
    let state = text_signal(move || greetings_state(view));
    let idle = text_signal(move || (!streaming.get()).to_string());
    boxed(view! {
        <section id="greetings" class="panel" aria-labelledby="stream-title" data-state=state>
            <header>
                <h2 id="stream-title">"Server stream"</h2>
                <p class="state" role="status">{state}</p>
            </header>
            {message_log(greetings)}
            {connection_notice(view.connection, move || greetings.is_open())}
            <footer>
                {timing(greetings, time, "Completed after")}
                <span class="buttons">
                    <button
                        id="start-greetings"
                        type="button"
                        aria-disabled=text_signal(move || streaming.get().to_string())
                        on:click=move |_| view.start()
                    >
                        "Start"
                    </button>
                    <button id="stop-greetings" type="button" aria-disabled=idle on:click=move |_| greetings.cancel()>
                        "Stop"
                    </button>
                </span>
            </footer>
        </section>
    })
}

/// Returns the value of `data-state` for the unary call.
fn greeting_state(greeting: CallSlot) -> &'static str {
    match greeting.state().read().as_ref().map(CallState::phase) {
        None => "idle",
        Some(Phase::Opening | Phase::Streaming) => "waiting",
        Some(Phase::Completed | Phase::Cancelled) => "answered",
        Some(Phase::Failed(_)) => "failed",
    }
}

/// Returns the greeting, or a placeholder. A failed call has none: its failure is shown instead.
fn greeting_text(greeting: CallSlot) -> String {
    let state = greeting.state().read();
    let text = match state.as_ref() {
        None => "No greeting yet.",
        Some(state) if state.failure().is_some() => "",
        Some(state) => state.last_message().unwrap_or("Waiting for the response …"),
    };
    text.to_owned()
}

/// Returns the label and the value of `data-state` for the stream.
fn greetings_state(view: GreeterView) -> &'static str {
    if view.greetings.is_open() && matches!(view.connection.state().read().link(), Link::Waiting(_)) {
        return "reconnecting";
    }
    match view.greetings.state().read().as_ref().map(CallState::phase) {
        None => "idle",
        Some(Phase::Opening) => "opening",
        Some(Phase::Streaming) => "streaming",
        Some(Phase::Completed | Phase::Cancelled) => "stopped",
        Some(Phase::Failed(_)) => "failed",
    }
}

fn last_greeting(greetings: CallSlot) -> String {
    let state = greetings.state().read_untracked();
    state.as_ref().and_then(CallState::last_message).unwrap_or_default().to_owned()
}
