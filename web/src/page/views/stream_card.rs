//! The card of one stream.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_fetch::Transport;
use drawbridge_proto::message::message_client::MessageClient;
use drawbridge_proto::message::{Request, Response};
use leptos::prelude::*;

use super::parts::{failure, messages, timing};
use crate::model::{Life, Press, State, words};
use crate::page::call::Call;
use crate::page::terms_fields::TermsFields;

/// How many messages a stream has.
const WHOLE: usize = 10;

/// A key and the place for its stream.
#[derive(Clone)]
pub(super) struct Card {
    key: Arc<str>,
    call: Call,
    transport: Transport,
    fields: TermsFields,
}

impl Card {
    /// Creates the card of `key` in the current owner, for streams on the terms of `fields`. Nothing is called yet.
    pub(super) fn new(key: &str, fields: TermsFields) -> Self {
        Self { key: key.into(), call: Call::new(), transport: expect_context(), fields }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn call(&self) -> Call {
        self.call
    }

    /// Cancels the stream while it is open, opens it otherwise, on the terms that the fields have now.
    pub(super) fn press(&self) {
        if untrack(|| self.call.runs()) {
            self.call.cancel();
        } else if let Some(terms) = self.fields.read() {
            let mut client = MessageClient::new(self.transport.clone());
            self.call.stream(
                &terms,
                Request { key: self.key.to_string() },
                async move |request| client.stream(request).await,
                |Response { message }| message,
            );
        }
    }
}

/// Shows `card`, with elapsed time by the clock `time`.
pub(super) fn stream_card(card: &Card, time: ReadSignal<Duration>) -> impl IntoView + use<> {
    let life = card.call().life();
    let state = Memo::new(move |_| life.read().as_ref().map_or(State::Opening, |life| life.state().clone()));
    let next = Memo::new(move |_| Press::next(Some(&state.read())));
    let received = move || life.read().as_ref().map_or(0, Life::received);
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
                {timing(card.call(), time, "The server ended it after")}
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
