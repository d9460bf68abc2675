//! *Calls*: what the server has open, and how what it had open ended.

use std::time::Duration;

use drawbridge_calls_proto::Call;
use leptos::prelude::*;

use super::parts::{column_head, hero};
use crate::model::{Failure, Tone, record, words};
use crate::page::part::{Part, part, part_while};
use crate::page::plain::{self, plain};
use crate::page::rows::rows;
use crate::page::text::text;
use crate::page::watch::{State, Watch};

/// What a cell says of a call, which is open, or was, for the time that is given, and stands under so many parents.
type Words = fn(&Call, Duration, usize) -> String;

/// Shows the view.
pub(crate) fn calls() -> Part {
    let watch = Watch::begin();
    let state = Memo::new(move |_| watch.state());
    let mood = text(move || match &*state.read() {
        State::Opening => "opening",
        State::Watching => "streaming",
        State::Untold => "idle",
        State::Ended(_) => "failed",
    });
    let name = text(move || match &*state.read() {
        State::Opening => "opening",
        State::Watching => "watching",
        State::Untold => "not told",
        State::Ended(_) => "stopped",
    });
    let heads: Vec<_> = ["Call", "Protocol", "Peer", "Time", "Left", "Messages", "How it ended"]
        .into_iter()
        .map(column_head)
        .collect();
    part(view! {
        {hero(
            &["Every call,", "and how it ended."],
            "What the server has open now, and what it had open last: by whom, for how long, and why it is over. \
             Of what calls carry, nothing is shown.",
        )}
        <div class="calls">
            <section class="plate" aria-labelledby="calls-title" data-state=mood>
                <header>
                    <h2 id="calls-title">{text(move || summary(watch))}</h2>
                    <p class="state" role="status">{name}</p>
                </header>
                <p id="said" role="status">{text(move || watch.said())}</p>
                {part_while(move || notice(watch, &state.read()))}
                <table id="calls" class="figures" role="table" aria-labelledby="calls-title">
                    <thead role="rowgroup"><tr role="row">{heads}</tr></thead>
                    <tbody role="rowgroup">{rows(move || watch.order(), move |number| row(watch, number))}</tbody>
                </table>
            </section>
        </div>
    })
}

fn summary(watch: Watch) -> String {
    let (open, skipped) = watch.counts();
    let skipped = match skipped {
        0 => String::new(),
        skipped => format!(", and {skipped} ended unseen, faster than this page reads"),
    };
    format!("{open} open{skipped}")
}

/// Says why the list does not move, if it does not.
fn notice(watch: Watch, state: &State) -> Option<Part> {
    match state {
        State::Opening | State::Watching => None,
        State::Untold => Some(plain("p", &[("class", "stopped")], [plain::words(record::UNTOLD)])),
        State::Ended(failure) => {
            let why = failure.as_ref().map_or("The server ended the list.", Failure::words);
            Some(part(view! {
                <p class="stopped">
                    "The list stands still. " {why} " "
                    <button id="watch-again" type="button" on:click=move |_| watch.start()>"Watch again"</button>
                </p>
            }))
        }
    }
}

/// Shows the call of this number.
fn row(watch: Watch, number: usize) -> Part {
    let told = move |words: Words| text(move || watch.tell(number, words));
    let cells: Vec<_> = [
        ("Protocol", (|call, _, _| record::protocol(call).to_owned()) as Words),
        ("Peer", |call, _, _| call.peer.clone().unwrap_or_else(|| "inside".to_owned())),
        ("Time", |call, elapsed, _| time(call, elapsed)),
        ("Left", |call, elapsed, _| left(call, elapsed)),
        ("Messages", |call, _, _| call.messages.to_string()),
    ]
    .into_iter()
    .map(|(head, words)| view! { <td role="cell" data-head=head>{told(words)}</td> })
    .collect();
    let open = Memo::new(move |_| !watch.tell(number, open).is_empty());
    part(view! {
        <tr
            role="row"
            data-call=told(|call, _, _| call.call_id.clone())
            data-open=text(move || open.get().to_string())
            data-depth=told(|_, _, depth| depth.min(3).to_string())
            data-tone=told(tone)
        >
            <th role="rowheader" scope="row">
                {told(|call, _, _| record::method(&call.method).to_owned())}
                " "
                <span class="request">{told(|call, _, _| call.request_id.clone())}</span>
                " "
                <span class="upstream">{told(upstream)}</span>
                " "
                <span class="works">{told(works)}</span>
            </th>
            {cells}
            <td role="cell" class="end">
                {told(|call, _, _| call.end.as_ref().map(record::ended).unwrap_or_default())}
                {part_while(move || open.get().then(|| cancel(watch, number)))}
            </td>
        </tr>
    })
}

fn cancel(watch: Watch, number: usize) -> Part {
    let label =
        untrack(|| watch.tell(number, |call, _, _| format!("Cancel {}", record::method(&call.method))));
    part(
        view! { <button type="button" aria-label=label on:click=move |_| watch.cancel(number)>"Cancel"</button> },
    )
}

/// Says something of a call that is open.
fn open(call: &Call, _: Duration, _: usize) -> String {
    if call.end.is_none() { "open".to_owned() } else { String::new() }
}

fn time(call: &Call, elapsed: Duration) -> String {
    if call.end.is_none() { words::seconds(elapsed) } else { words::precise(elapsed) }
}

/// Tells what is left of the time that the call was given, or was left at its end.
fn left(call: &Call, elapsed: Duration) -> String {
    let granted = call.granted_ms.map(record::ms);
    granted.map_or_else(|| "–".to_owned(), |granted| time(call, granted.saturating_sub(elapsed)))
}

fn tone(call: &Call, _: Duration, _: usize) -> String {
    call.end.as_ref().map_or(Tone::Good, record::tone).name().to_owned()
}

/// Tells where the call was forwarded to, and how long that took.
fn upstream(call: &Call, _: Duration, _: usize) -> String {
    record::forwarded(call).map(|(sent, _)| sent).unwrap_or_default()
}

/// Tells when the upstream answered, if there is one, what ran for the call, and when each of it stopped.
fn works(call: &Call, _: Duration, _: usize) -> String {
    let answered = record::forwarded(call).map(|(_, answered)| answered);
    let works = call.works.iter().map(|work| record::work_words(work, call));
    answered.into_iter().chain(works).collect::<Vec<_>>().join(" · ")
}
