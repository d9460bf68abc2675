//! The card of one stream.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_fetch::Transport;
use drawbridge_proto::message::message_client::MessageClient;
use drawbridge_proto::message::{Request, Response};
use leptos::prelude::*;

use crate::model::{ButtonAction, CallState, format};
use crate::page::components::{CallSettingsFields, message_log, timing};
use crate::page::dom::{BoxedView, boxed, text_signal};
use crate::page::rpc::CallSlot;

/// How many messages a stream has.
const TOTAL: usize = 10;

/// A key and the slot for its stream.
#[derive(Clone)]
pub(super) struct StreamCard {
    number: usize,
    key: Arc<str>,
    call: CallSlot,
    transport: Transport,
    settings: CallSettingsFields,
}

impl StreamCard {
    /// Creates a card in the current owner, without opening the stream. `number` must be unique among the cards.
    pub(super) fn new(number: usize, key: &str, settings: CallSettingsFields) -> Self {
        Self { number, key: key.into(), call: CallSlot::new(), transport: expect_context(), settings }
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn call(&self) -> CallSlot {
        self.call
    }

    /// Cancels the open stream, or opens one with the current settings.
    pub(super) fn toggle(&self) {
        if untrack(|| self.call.is_open()) {
            self.call.cancel();
        } else if let Some(settings) = self.settings.read() {
            let mut client = MessageClient::new(self.transport.clone());
            self.call.start_streaming(
                &settings,
                Request { key: self.key.to_string() },
                async move |request| client.stream(request).await,
                |Response { message }| message,
            );
        }
    }

    /// Returns how many messages of an open stream have arrived, as a short sentence. Untracked.
    pub(super) fn progress(&self) -> Option<String> {
        let state = self.call.state().get_untracked()?;
        (state.is_open() && state.received() > 0)
            .then(|| format!("{}: {} of {TOTAL}", format::key(&self.key), state.received()))
    }

    /// Shows the card. `time` is the clock for the elapsed time.
    pub(super) fn view(self, time: ReadSignal<Duration>) -> BoxedView {
        let call = self.call;
        let state = call.state();
        let state_name =
            text_signal(move || state.read().as_ref().map_or("opening", |state| state.phase().name()));
        let action = move || call.next_action();
        let received = move || state.read().as_ref().map_or(0, CallState::received);
        let key = self.key.to_string();
        let name = format::key(&key);
        boxed(view! {
            <li class="panel" data-key=key data-state=state_name>
                <header>
                    <h2>{name.clone()}</h2>
                    <p class="state" role="status">{state_name}</p>
                </header>
                <div class="stream-progress">
                    <progress max=TOTAL.to_string() value=text_signal(move || received().to_string()) aria-label=format!("Messages of {name}")></progress>
                </div>
                {message_log(call)}
                <footer>
                    {timing(call, time, "Completed after")}
                    <button
                        type="button"
                        data-action=text_signal(move || if action() == ButtonAction::Cancel { "cancel" } else { "open" })
                        aria-label=text_signal(move || format!("{}: {name}", action().label()))
                        on:click=move |_| self.toggle()
                    >
                        {text_signal(move || action().label())}
                    </button>
                </footer>
            </li>
        })
    }
}
