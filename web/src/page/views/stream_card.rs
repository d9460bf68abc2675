//! The card of one stream.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_fetch::Transport;
use drawbridge_proto::message::message_client::MessageClient;
use drawbridge_proto::message::{Request, Response};
use leptos::prelude::*;

use super::parts::{failure, messages, receipt, timing};
use crate::model::{Life, Press, words};
use crate::page::call::Call;
use crate::page::part::{Part, part};
use crate::page::terms_fields::TermsFields;
use crate::page::text::text;

/// How many messages a stream has.
const WHOLE: usize = 10;

/// A key and the place for its stream.
#[derive(Clone)]
pub(super) struct Card {
    number: usize,
    key: Arc<str>,
    call: Call,
    transport: Transport,
    fields: TermsFields,
}

impl Card {
    /// Creates the card of `key` in the current owner, for streams on the terms of `fields`, with a `number` that no
    /// other card has. Nothing is called yet.
    pub(super) fn new(number: usize, key: &str, fields: TermsFields) -> Self {
        Self { number, key: key.into(), call: Call::new(), transport: expect_context(), fields }
    }

    pub(super) fn number(&self) -> usize {
        self.number
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
pub(super) fn stream_card(card: &Card, time: ReadSignal<Duration>) -> Part {
    let life = card.call().life();
    let state = text(move || life.read().as_ref().map_or("opening", |life| life.state().name()));
    let call = card.call();
    let next = move || call.next();
    let received = move || life.read().as_ref().map_or(0, Life::received);
    let pressed = card.clone();
    let key = card.key().to_owned();
    let name = words::key(&key);
    part(view! {
        <li class="plate" data-key=key data-state=state>
            <header>
                <h2>{name.clone()}</h2>
                <p class="state" role="status">{state}</p>
            </header>
            <div class="deck">
                <progress max=WHOLE.to_string() value=text(move || received().to_string()) aria-label=format!("Messages of {name}")></progress>
            </div>
            <div class="scroll">
                <div class="ledger">
                    <ol class="messages">{messages(card.call())}</ol>
                    {failure(card.call())}
                    {receipt(card.call())}
                </div>
            </div>
            <footer>
                {timing(card.call(), time, "The server ended it after")}
                <button
                    type="button"
                    data-action=text(move || if next() == Press::Cancel { "cancel" } else { "again" })
                    aria-label=text(move || format!("{}: {name}", next().words()))
                    on:click=move |_| pressed.press()
                >
                    {text(move || next().words())}
                </button>
            </footer>
        </li>
    })
}
