//! The card of one stream.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_fetch::Transport;
use drawbridge_proto::message::message_client::MessageClient;
use drawbridge_proto::message::{Request, Response};
use leptos::prelude::*;

use super::parts::{failure, messages};
use crate::model::{Life, Press, State, words};
use crate::page::call::Call;

/// How many messages a stream has.
const WHOLE: usize = 10;

/// A key and the place for its stream.
#[derive(Clone)]
pub(super) struct Card {
    key: Arc<str>,
    call: Call,
    transport: Transport,
}

impl Card {
    /// Creates the card of `key` in the current owner. Nothing is called yet.
    pub(super) fn new(key: &str) -> Self {
        Self { key: key.into(), call: Call::new(), transport: expect_context() }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn call(&self) -> Call {
        self.call
    }

    /// Cancels the stream while it is open, opens it otherwise.
    pub(super) fn press(&self) {
        if untrack(|| self.call.runs()) {
            self.call.cancel();
            return;
        }
        let mut client = MessageClient::new(self.transport.clone());
        let request = Request { key: self.key.to_string() };
        self.call.stream(async move { client.stream(request).await }, |Response { message }| message);
    }
}

/// Shows `card`, with elapsed time by the clock `time`.
pub(super) fn stream_card(card: &Card, time: ReadSignal<Duration>) -> impl IntoView + use<> {
    let life = card.call().life();
    let state = Memo::new(move |_| life.read().as_ref().map_or(State::Opening, |life| life.state().clone()));
    let next = Memo::new(move |_| Press::next(Some(&state.read())));
    let received = move || life.read().as_ref().map_or(0, Life::received);
    let elapsed = move || life.read().as_ref().map_or_else(Default::default, |life| life.elapsed(time.get()));
    let pressed = card.clone();
    let key = card.key().to_owned();
    let name = words::key(&key);
    view! {
        <li class="plate" data-key=key data-state=move || state.read().name()>
            <header>
                <h2>{name.clone()}</h2>
                <p class="state" role="status">{move || state.read().name()}</p>
            </header>
            <div class="deck">
                <progress max=WHOLE.to_string() value=move || received().to_string() aria-label=format!("Messages of {name}")></progress>
            </div>
            <div class="scroll">
                <div class="ledger">
                    <ol class="messages">{messages(card.call())}</ol>
                    {failure(card.call())}
                </div>
            </div>
            <footer>
                <time class="elapsed" datetime=move || words::machine_readable(elapsed())>
                    {move || words::seconds(elapsed())}
                </time>
                <button
                    type="button"
                    data-action=move || if next.get() == Press::Cancel { "cancel" } else { "again" }
                    aria-label=move || format!("{}: {name}", next.get().words())
                    on:click=move |_| pressed.press()
                >
                    {move || next.get().words()}
                </button>
            </footer>
        </li>
    }
}
