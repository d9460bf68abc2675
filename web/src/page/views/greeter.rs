//! *Greeter*: one greeting, and greetings that go on as long as the view is open.

use drawbridge_fetch::Transport;
use drawbridge_proto::greet::greeter_client::GreeterClient;
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use leptos::ev::SubmitEvent;
use leptos::html::Input;
use leptos::prelude::*;

use super::parts::{failure, hero, messages, reason, timing};
use crate::model::{Life, State};
use crate::page::call::Call;
use crate::page::clock;
use crate::page::left::Left;
use crate::page::news::news;
use crate::page::terms_fields::{PRESETS, TermsFields};

/// The name under which the view's leaves are remembered.
const VIEW: &str = "greeter";

/// Shows the view.
pub(crate) fn greeter() -> impl IntoView {
    let transport = expect_context::<Transport>();
    let (hello, greetings) = (Call::new(), Call::new());
    let left = expect_context::<Left>();
    let dropped = left.take(VIEW);
    on_cleanup(move || {
        let calls = [(hello, "the greeting that was awaited"), (greetings, "the live greetings")];
        let open = calls.into_iter().filter(|(call, _)| untrack(|| call.runs()));
        left.note(VIEW, open.map(|(_, call)| call.to_owned()).collect());
    });

    let field = NodeRef::<Input>::new();
    field.on_load(|field| {
        // Failing to focus costs a click.
        let _ = field.focus();
        field.select();
    });
    let client = StoredValue::new_local(GreeterClient::new(transport));
    let fields = TermsFields::new("");
    let named =
        move || HelloRequest { name: field.get_untracked().map_or_else(String::new, |field| field.value()) };
    let say_hello = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(terms) = fields.read() {
            let mut client = client.get_value();
            let send = async move |request| client.say_hello(request).await;
            hello.unary(&terms, named(), send, |HelloReply { message }| message);
        }
    };
    let start = move |_| {
        if !untrack(|| greetings.runs())
            && let Some(terms) = fields.read()
        {
            let mut client = client.get_value();
            let send = async move |request| client.say_hellos(request).await;
            greetings.stream(&terms, named(), send, |HelloReply { message }| message);
        }
    };
    let stop = move |_| greetings.cancel();
    let running = Memo::new(move |_| greetings.runs());
    let time = clock::ticking(Memo::new(move |_| greetings.runs() || hello.runs()));

    view! {
        {hero(
            &["Say hello once,", "or let it go on."],
            "One call, one answer. Or a greeting every second, as long as you stay: the stream belongs to this view, \
             and leaving the view ends it on the server too.",
        )}
        {(!dropped.is_empty()).then(|| view! {
            <p id="left" role="status">{format!("You left, so this was dropped: {}.", dropped.join(" and "))}</p>
        })}
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
                node_ref=field
            />
            <button id="say-hello" type="submit" class="primary">"Say hello"</button>
        </form>
        <p id="name-help" class="help">
            "Users of the directory are greeted by their full name, others as they are. Try "
            <kbd>"ada"</kbd> ", or " <kbd>"slow"</kbd> ", whose lookup takes three seconds."
        </p>
        </div>
        {fields.view(PRESETS)}
        <div class="greeter">
            <section class="plate" aria-labelledby="once">
                <h2 id="once">"Once"</h2>
                <output id="hello" for="name" data-state=move || hello_state(hello)>{move || hello_words(hello)}</output>
                <footer>{move || called(hello).then(|| timing(hello, time, "The answer came after"))}</footer>
            </section>
            <section class="plate" aria-labelledby="live" data-state=move || greetings_state(greetings)>
                <header>
                    <h2 id="live">"Live"</h2>
                    <p class="state" role="status">{move || greetings_state(greetings)}</p>
                </header>
                <div class="scroll">
                    <div class="ledger">
                        <ol id="greetings" class="messages" data-state=move || greetings_state(greetings)>
                            {messages(greetings)}
                        </ol>
                        {failure(greetings)}
                    </div>
                </div>
                <footer>
                    {move || called(greetings).then(|| timing(greetings, time, "The server ended it after"))}
                    <span class="buttons">
                        <button id="start-greetings" type="button" aria-disabled=move || running.get().to_string() on:click=start>"Start"</button>
                        <button id="stop-greetings" type="button" aria-disabled=move || (!running.get()).to_string() on:click=stop>"Stop"</button>
                    </span>
                </footer>
            </section>
        </div>
        {news(move || newest(greetings), running)}
    }
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
fn hello_words(hello: Call) -> AnyView {
    match hello.life().read().as_ref() {
        None => "Nobody was greeted yet.".into_any(),
        Some(life) => match (life.failure(), life.last()) {
            (Some(failure), _) => reason(failure).into_any(),
            (None, Some(message)) => message.to_owned().into_any(),
            (None, None) => "Waiting for the answer …".into_any(),
        },
    }
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

/// Tells whether there was a call yet.
fn called(call: Call) -> bool {
    call.life().with(Option::is_some)
}

/// Returns the newest greeting.
fn newest(greetings: Call) -> String {
    let life = greetings.life().read_untracked();
    life.as_ref().and_then(Life::last).unwrap_or_default().to_owned()
}
