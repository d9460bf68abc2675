//! *Streams*: a key opens a stream, the same key cancels it, leaving drops it.

use leptos::ev::SubmitEvent;
use leptos::html::Input;
use leptos::prelude::*;
use leptos::reactive::owner::WeakOwner;

use super::parts::{hero, left_receipts};
use super::stream_card::{Card, stream_card};
use crate::model::{Press, words};
use crate::page::clock;
use crate::page::left::{Gone, Left};
use crate::page::news::news;
use crate::page::part::{Part, part, part_while};
use crate::page::plain::{self, plain};
use crate::page::rows::rows;
use crate::page::terms_fields::{PRESETS, TermsFields};
use crate::page::text::text;

/// The name under which the view's leaves are remembered.
const VIEW: &str = "streams";

/// How many connections a browser opens to one server over HTTP/1.1.
const CONNECTIONS: usize = 6;

/// The cards of the view, newest first. They belong to the view's owner, whichever event adds them.
#[derive(Clone, Copy)]
struct Board {
    cards: RwSignal<Vec<Card>>,
    fields: TermsFields,
    owner: StoredValue<Option<WeakOwner>>,
}

impl Board {
    fn new() -> Self {
        let owner = Owner::current().map(|owner| owner.downgrade());
        Self {
            cards: RwSignal::new(Vec::new()),
            fields: TermsFields::new(""),
            owner: StoredValue::new(owner),
        }
    }

    fn find(self, key: &str) -> Option<Card> {
        self.cards.read().iter().find(|card| card.key() == key).cloned()
    }

    /// Opens, cancels or opens again the stream for `key`, whichever is next.
    fn press(self, key: &str) {
        if let Some(card) = untrack(|| self.find(key)) {
            card.press();
        } else if self.fields.read().is_some()
            && let Some(owner) = self.owner.get_value().and_then(|owner| owner.upgrade())
        {
            // No card is ever taken away.
            let number = self.cards.read_untracked().len();
            let card = owner.with(|| Card::new(number, key, self.fields));
            self.cards.update(|cards| cards.insert(0, card.clone()));
            card.press();
        }
    }

    /// Returns what [`Board::press`] would do with `key`.
    fn next(self, key: &str) -> Press {
        self.find(key).map_or(Press::Open, |card| card.call().next())
    }

    /// Returns the numbers of the cards, newest first.
    fn numbers(self) -> Vec<usize> {
        self.cards.read().iter().map(Card::number).collect()
    }

    /// Returns the numbers of those cards whose streams run, oldest first.
    fn running(self) -> Vec<usize> {
        let runs = |card: &&Card| card.call().runs();
        self.cards.read().iter().rev().filter(runs).map(Card::number).collect()
    }

    /// Returns what is open, oldest first.
    fn open(self) -> Vec<Gone> {
        let cards = self.cards.read_untracked();
        cards.iter().rev().filter_map(|card| card.call().gone(card.key())).collect()
    }

    /// Returns the card of this number.
    fn card(self, number: usize) -> Option<Card> {
        self.cards.read_untracked().iter().find(|card| card.number() == number).cloned()
    }

    /// Returns the key on the card of this number.
    fn key(self, number: usize) -> String {
        self.card(number).map_or_else(String::new, |card| card.key().to_owned())
    }

    /// Tells how far the running streams are, in one short sentence for those who listen to the page.
    fn progress(self) -> String {
        let cards = self.cards.get_untracked();
        let progress = cards.iter().rev().filter_map(|card| {
            let life = card.call().life().get_untracked()?;
            (life.runs() && life.received() > 0)
                .then(|| format!("{}: {} of 10", words::key(card.key()), life.received()))
        });
        progress.collect::<Vec<_>>().join(", ")
    }
}

/// Shows the view.
pub(crate) fn streams() -> Part {
    let board = Board::new();
    let dropped = RwSignal::new(expect_context::<Left>().stay(VIEW, move || board.open()));

    let field = NodeRef::<Input>::new();
    field.on_load(|field| {
        // Failing to focus costs a click.
        let _ = field.focus();
    });
    let typed = RwSignal::new(String::new());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(field) = field.get_untracked() {
            // Selected, so that the next key replaces it, and Enter alone takes the same one again. Selecting takes the
            // focus, which the press may want to have elsewhere.
            field.select();
            board.press(&field.value());
        }
    };

    let running = Memo::new(move |_| board.running());
    let time = clock::ticking(Memo::new(move |_| !running.read().is_empty()));

    part(view! {
        {hero(
            &["Type a key.", "Watch it arrive.", "Leave, and it ends."],
            "Each key opens a gRPC stream of ten messages, one a second. The same key again cancels it. \
             Leave this page, by whichever way, and the server drops the stream at once.",
        )}
        <div class="console">
            <form class="composer" on:submit=submit>
                <label for="key">"Key"</label>
                <input
                    id="key"
                    type="text"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    enterkeyhint="go"
                    node_ref=field
                    on:input:target=move |event| typed.set(event.target().value())
                />
                <button type="submit" class="primary">{text(move || board.next(&typed.read()).words())}</button>
            </form>
            <p class="running">
                <span id="running-label">"Running"</span>
                " "
                // Its changes are told by the cards; telling them here too would be an echo.
                <output id="running" for="key" aria-labelledby="running-label" aria-live="off">
                    {rows(move || running.get(), move |number| chip(&board.key(number)))}
                </output>
            </p>
        </div>
        {board.fields.view(PRESETS)}
        {part_while(move || (!dropped.read().is_empty()).then(|| notice(board, dropped)))}
        {part_while(move || (running.read().len() > CONNECTIONS && over_http1()).then(waiting))}
        {part_while(move || board.cards.read().is_empty().then(|| empty(board)))}
        <ul id="streams">
            {rows(move || board.numbers(), move |number| part(board.card(number).map(|card| stream_card(&card, time))))}
        </ul>
        {news(text(move || board.progress()), Memo::new(move |_| !running.read().is_empty()))}
    })
}

/// Shows the key of a stream that runs.
fn chip(key: &str) -> Part {
    part(vec![plain("span", &[("class", "chip")], [plain::words(words::key(key))]), plain::words(" ")])
}

/// Says which streams the last leave has dropped, and offers them again.
fn notice(board: Board, dropped: RwSignal<Vec<Gone>>) -> Part {
    let again = move |_| {
        for Gone { words: key, .. } in dropped.get_untracked() {
            if untrack(|| board.find(&key)).is_none_or(|card| !untrack(|| card.call().runs())) {
                board.press(&key);
            }
        }
        dropped.set(Vec::new());
    };
    let keys: Vec<_> = dropped.read().iter().map(|gone| gone.words.clone()).collect();
    part(view! {
        <div id="left" role="status">
            <p>{words::dropped(&keys)}</p>
            " "
            <button type="button" on:click=again>"Open again"</button>
            {left_receipts(&dropped.read())}
        </div>
    })
}

/// Stands where the first card will be, and opens it for those who have no key in mind.
fn empty(board: Board) -> Part {
    part(view! {
        <div class="empty">
            <p>"No stream yet. Any key will do."</p>
            <button type="button" on:click=move |_| board.press("ada")>"Open one for ada"</button>
        </div>
    })
}

/// Says why a seventh stream waits.
fn waiting() -> Part {
    let why = "This page came over HTTP/1.1, where a browser holds six connections to one server. \
               Streams beyond the sixth wait until another ends.";
    plain("p", &[("class", "note"), ("role", "status")], [plain::words(why)])
}

/// Tells whether the page came over HTTP/1.1, as far as the browser says.
fn over_http1() -> bool {
    let protocol = || {
        let entries = window().performance()?.get_entries_by_type("navigation");
        js_sys::Reflect::get(&entries.get(0), &"nextHopProtocol".into()).ok()?.as_string()
    };
    protocol().is_some_and(|protocol| protocol.starts_with("http/1"))
}
