//! *Streams*: a key opens a stream, the same key cancels it, and leaving the view cancels all.

use leptos::prelude::*;
use leptos::reactive::owner::WeakOwner;

use super::stream_card::StreamCard;
use crate::model::{ButtonAction, format};
use crate::page::clock;
use crate::page::components::{
    CallSettingsFields, InputAttributes, TextField, announcer, call_form, dropped_notice, hero, submit_button,
};
use crate::page::dom::{BoxedView, boxed, element, keyed_list, optional, text, text_signal};
use crate::page::rpc::{DroppedCall, DroppedCalls};

/// The key of the view's dropped calls.
const VIEW: &str = "streams";

/// How many connections a browser opens to one server over HTTP/1.1.
const MAX_CONNECTIONS: usize = 6;

/// The cards of the view, newest first. They belong to the view's owner, and not to the event that adds them.
#[derive(Clone, Copy)]
struct StreamCards {
    cards: RwSignal<Vec<StreamCard>>,
    settings: CallSettingsFields,
    owner: StoredValue<Option<WeakOwner>>,
}

impl StreamCards {
    fn new() -> Self {
        let owner = Owner::current().map(|owner| owner.downgrade());
        Self {
            cards: RwSignal::new(Vec::new()),
            settings: CallSettingsFields::new(),
            owner: StoredValue::new(owner),
        }
    }

    /// Returns the card of `key`, tracked.
    fn find(self, key: &str) -> Option<StreamCard> {
        self.cards.read().iter().find(|card| card.key() == key).cloned()
    }

    /// Opens or cancels the stream of `key`.
    fn toggle(self, key: &str) {
        if let Some(card) = untrack(|| self.find(key)) {
            card.toggle();
        } else if self.settings.read().is_some()
            && let Some(owner) = self.owner.get_value().and_then(|owner| owner.upgrade())
        {
            // Cards are never removed.
            let number = self.cards.read_untracked().len();
            let card = owner.with(|| StreamCard::new(number, key, self.settings));
            self.cards.update(|cards| cards.insert(0, card.clone()));
            card.toggle();
        }
    }

    /// Returns what [`StreamCards::toggle`] does with `key`, tracked.
    fn next_action(self, key: &str) -> ButtonAction {
        self.find(key).map_or(ButtonAction::Open, |card| card.call().next_action())
    }

    /// Returns the numbers of the cards, newest first, tracked.
    fn numbers(self) -> Vec<usize> {
        self.cards.read().iter().map(StreamCard::number).collect()
    }

    /// Returns the numbers of the cards with an open stream, oldest first, tracked.
    fn open(self) -> Vec<usize> {
        let is_open = |card: &&StreamCard| card.call().is_open();
        self.cards.read().iter().rev().filter(is_open).map(StreamCard::number).collect()
    }

    /// Returns the open calls, oldest first.
    fn open_calls(self) -> Vec<DroppedCall> {
        let cards = self.cards.read_untracked();
        cards.iter().rev().filter_map(|card| card.call().to_dropped(card.key())).collect()
    }

    /// Returns the card with this number.
    fn card(self, number: usize) -> Option<StreamCard> {
        self.cards.read_untracked().iter().find(|card| card.number() == number).cloned()
    }

    /// Returns the progress of the open streams.
    fn progress(self) -> String {
        let cards = self.cards.get_untracked();
        cards.iter().rev().filter_map(StreamCard::progress).collect::<Vec<_>>().join(", ")
    }
}

/// Shows the view.
pub(crate) fn streams() -> BoxedView {
    let cards = StreamCards::new();
    let dropped = RwSignal::new(expect_context::<DroppedCalls>().track(VIEW, move || cards.open_calls()));
    let open = Memo::new(move |_| cards.open());
    let time = clock::ticking(Memo::new(move |_| !open.read().is_empty()));

    // The cards announce their states; this list would repeat them.
    let open_keys = element(
        "output",
        &[("id", "open-keys"), ("for", "key"), ("aria-labelledby", "open-label"), ("aria-live", "off")],
        [keyed_list(move || open.get(), move |number| chip(cards, number))],
    );
    let open_label = element("span", &[("id", "open-label")], [text("Open streams")]);
    let open_streams = element("p", &[("class", "open-streams")], [open_label, text(" "), open_keys]);
    let list = keyed_list(
        move || cards.numbers(),
        move |number| boxed(cards.card(number).map(|card| card.view(time))),
    );
    boxed(vec![
        hero(
            &["Open a stream.", "Watch it arrive.", "Leave, and it ends."],
            "Each key opens a gRPC stream of ten messages, one per second. Enter the same key again to cancel its stream. \
             When you leave this view, reload the page or close the tab, the server ends its work at once.",
        ),
        element("div", &[("class", "toolbar")], [form(cards), open_streams]),
        cards.settings.view(),
        optional(move || dropped_notice(&dropped.read(), Some(reopen_button(cards, dropped)))),
        optional(move || (open.read().len() > MAX_CONNECTIONS && is_http1()).then(connection_limit)),
        optional(move || cards.cards.read().is_empty().then(|| empty(cards))),
        element("ul", &[("id", "streams")], [list]),
        announcer(text_signal(move || cards.progress()), Memo::new(move |_| !open.read().is_empty())),
    ])
}

/// Shows the form that opens or cancels a stream.
fn form(cards: StreamCards) -> BoxedView {
    let key = TextField::new("");
    key.focus_on_load();
    let label = text_signal(move || cards.next_action(&key.text().read()).label());
    let attributes = InputAttributes { enterkeyhint: Some("go"), ..InputAttributes::default() };
    call_form("key", "Key", key, attributes, submit_button("toggle-stream", boxed(label)), move || {
        // The next key replaces the selected text, and Enter alone submits it again. Selecting moves the focus, so it comes
        // before the call, which moves the focus to a field that cannot be parsed.
        key.select();
        cards.toggle(&key.current());
    })
}

/// Shows the key of an open stream.
fn chip(cards: StreamCards, number: usize) -> BoxedView {
    let key = cards.card(number).map(|card| format::key(card.key())).unwrap_or_default();
    boxed(vec![element("span", &[("class", "chip")], [text(key)]), text(" ")])
}

/// Shows a button that opens the dropped streams again.
fn reopen_button(cards: StreamCards, dropped: RwSignal<Vec<DroppedCall>>) -> BoxedView {
    let reopen = move |_| {
        for DroppedCall { label: key, .. } in dropped.get_untracked() {
            if untrack(|| cards.find(&key).is_none_or(|card| !card.call().is_open())) {
                cards.toggle(&key);
            }
        }
        dropped.set(Vec::new());
    };
    boxed(view! { <button type="button" on:click=reopen>"Open again"</button> })
}

/// Shows a placeholder for the first card, with a button that opens a stream.
fn empty(cards: StreamCards) -> BoxedView {
    boxed(view! {
        <div class="empty">
            <p>"No streams yet. Enter any key."</p>
            <button type="button" on:click=move |_| cards.toggle("ada")>"Open stream “ada”"</button>
        </div>
    })
}

/// Says why a seventh stream waits.
fn connection_limit() -> BoxedView {
    let why = "Over HTTP/1.1, a browser opens only six connections to a server. Further streams wait until another one \
               ends. Over HTTPS with HTTP/2, all streams share one connection.";
    element("p", &[("class", "note"), ("role", "status")], [text(why)])
}

/// Returns whether the page was loaded over HTTP/1.1, as far as the browser says.
fn is_http1() -> bool {
    let protocol = || {
        let entries = window().performance()?.get_entries_by_type("navigation");
        js_sys::Reflect::get(&entries.get(0), &"nextHopProtocol".into()).ok()?.as_string()
    };
    protocol().is_some_and(|protocol| protocol.starts_with("http/1"))
}
