//! *Greeter*: one greeting, and greetings that go on as long as the view is open.

use std::time::Duration;

use drawbridge_fetch::Transport;
use drawbridge_proto::greet::greeter_client::GreeterClient;
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use leptos::ev::SubmitEvent;
use leptos::html::Input;
use leptos::prelude::*;

use super::parts::{failure, hero, left_notice, messages, receipt, timing, why};
use crate::model::{Life, State};
use crate::page::call::Call;
use crate::page::clock;
use crate::page::left::{Gone, Left};
use crate::page::news::news;
use crate::page::part::{Part, part};
use crate::page::terms_fields::{PRESETS, TermsFields};
use crate::page::text::text;

/// The name under which the view's leaves are remembered.
const VIEW: &str = "greeter";

/// Who greets: the field for a name, and a place for each of the two calls.
#[derive(Clone, Copy)]
struct Host {
    client: StoredValue<GreeterClient<Transport>, LocalStorage>,
    field: NodeRef<Input>,
    fields: TermsFields,
    hello: Call,
    greetings: Call,
}

impl Host {
    fn new() -> Self {
        Self {
            client: StoredValue::new_local(GreeterClient::new(expect_context())),
            field: NodeRef::new(),
            fields: TermsFields::new(""),
            hello: Call::new(),
            greetings: Call::new(),
        }
    }

    fn request(self) -> HelloRequest {
        HelloRequest { name: self.field.get_untracked().map_or_else(String::new, |field| field.value()) }
    }

    /// Asks for one greeting.
    fn say_hello(self) {
        if let Some(terms) = self.fields.read() {
            let mut client = self.client.get_value();
            let send = async move |request| client.say_hello(request).await;
            self.hello.unary(&terms, self.request(), send, |HelloReply { message }| message);
        }
    }

    /// Starts the live greetings, unless they run.
    fn start(self) {
        if !untrack(|| self.greetings.runs())
            && let Some(terms) = self.fields.read()
        {
            let mut client = self.client.get_value();
            let send = async move |request| client.say_hellos(request).await;
            self.greetings.stream(&terms, self.request(), send, |HelloReply { message }| message);
        }
    }

    /// Returns what is open.
    fn open(self) -> Vec<Gone> {
        [(self.hello, "the greeting that was awaited"), (self.greetings, "the live greetings")]
            .into_iter()
            .filter_map(|(call, words)| call.gone(words))
            .collect()
    }
}

/// Shows the view.
pub(crate) fn greeter() -> Part {
    let host = Host::new();
    let dropped = expect_context::<Left>().stay(VIEW, move || host.open());
    host.field.on_load(|field| {
        // Failing to focus costs a click.
        let _ = field.focus();
        field.select();
    });
    let say_hello = move |event: SubmitEvent| {
        event.prevent_default();
        host.say_hello();
    };
    let running = Memo::new(move |_| host.greetings.runs());
    let time = clock::ticking(Memo::new(move |_| host.greetings.runs() || host.hello.runs()));

    part(view! {
        {hero(
            &["Say hello once,", "or let it go on."],
            "One call, one answer. Or a greeting every second, as long as you stay: the stream belongs to this view, \
             and leaving the view ends it on the server too.",
        )}
        {left_notice(&dropped)}
        <div class="ask">
            <form class="composer" on:submit=say_hello>
                <label for="name">"Name"</label>
                <input
                    id="name"
                    type="text"
                    value="ada"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    enterkeyhint="send"
                    aria-describedby="name-help"
                    node_ref=host.field
                />
                <button id="say-hello" type="submit" class="primary">"Say hello"</button>
            </form>
            <p id="name-help" class="help">
                "Users of the directory are greeted by their full name, others as they are. Try "
                <kbd>"ada"</kbd> ", or " <kbd>"slow"</kbd> ", whose lookup takes three seconds."
            </p>
        </div>
        {host.fields.view(PRESETS)}
        <div class="greeter">{once(host.hello, time)} {live(host, time, running)}</div>
        {news(text(move || newest(host.greetings)), running)}
    })
}

/// Shows the single greeting.
fn once(hello: Call, time: ReadSignal<Duration>) -> Part {
    part(view! {
        <section class="plate" aria-labelledby="once">
            <h2 id="once">"Once"</h2>
            <output id="hello" for="name" data-state=text(move || hello_state(hello))>
                {text(move || hello_words(hello))}
                {why(hello)}
            </output>
            <footer>{timing(hello, time, "The answer came after")}</footer>
        </section>
    })
}

/// Shows the live greetings.
fn live(host: Host, time: ReadSignal<Duration>, running: Memo<bool>) -> Part {
    let greetings = host.greetings;
    let state = text(move || greetings_state(greetings));
    let off = text(move || (!running.get()).to_string());
    part(view! {
        <section class="plate" aria-labelledby="live" data-state=state>
            <header>
                <h2 id="live">"Live"</h2>
                <p class="state" role="status">{state}</p>
            </header>
            <div class="scroll">
                <div class="ledger">
                    <ol id="greetings" class="messages" data-state=state>{messages(greetings)}</ol>
                    {failure(greetings)}
                    {receipt(greetings)}
                </div>
            </div>
            <footer>
                {timing(greetings, time, "The server ended it after")}
                <span class="buttons">
                    <button
                        id="start-greetings"
                        type="button"
                        aria-disabled=text(move || running.get().to_string())
                        on:click=move |_| host.start()
                    >
                        "Start"
                    </button>
                    <button id="stop-greetings" type="button" aria-disabled=off on:click=move |_| greetings.cancel()>
                        "Stop"
                    </button>
                </span>
            </footer>
        </section>
    })
}

/// Returns the state of the single greeting, as `data-state` has it.
fn hello_state(hello: Call) -> &'static str {
    match hello.life().read().as_ref().map(Life::state) {
        None => "idle",
        Some(State::Opening | State::Streaming) => "waiting",
        Some(State::Completed | State::Cancelled) => "answered",
        Some(State::Failed(_)) => "failed",
    }
}

/// Returns the single greeting, or what stands in its place.
fn hello_words(hello: Call) -> String {
    let life = hello.life().read();
    let words = match life.as_ref() {
        None => "Nobody was greeted yet.",
        Some(life) if life.failure().is_some() => "",
        Some(life) => life.last().unwrap_or("Waiting for the answer …"),
    };
    words.to_owned()
}

/// Returns the state of the live greetings, as `data-state` has it. It is also its own word.
fn greetings_state(greetings: Call) -> &'static str {
    match greetings.life().read().as_ref().map(Life::state) {
        None => "idle",
        Some(State::Opening) => "opening",
        Some(State::Streaming) => "streaming",
        Some(State::Completed | State::Cancelled) => "stopped",
        Some(State::Failed(_)) => "failed",
    }
}

/// Returns the newest greeting.
fn newest(greetings: Call) -> String {
    let life = greetings.life().read_untracked();
    life.as_ref().and_then(Life::last).unwrap_or_default().to_owned()
}
