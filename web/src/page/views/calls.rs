//! *Calls*: what the server has open, and how what it had open ended.

use std::time::Duration;

use leptos::prelude::*;

use super::parts::hero;
use crate::model::{Failure, record, words};
use crate::page::part::{Part, part, part_while};
use crate::page::rows::rows;
use crate::page::text::text;
use crate::page::watch::{Entry, State, Watch};

/// Shows the view.
pub(crate) fn calls() -> Part {
    let watch = Watch::begin();
    let state = watch.state();
    let name = text(move || match &*state.read() {
        State::Opening => "opening",
        State::Watching => "watching",
        State::Untold => "not told",
        State::Ended(_) => "stopped",
    });
    let summary = move || match watch.counts() {
        (open, 0) => format!("{open} open"),
        (open, skipped) => {
            format!(
                "{open} open. {skipped} more have ended unseen: they came and went faster than this page reads."
            )
        }
    };
    let heads: Vec<_> = ["Call", "Protocol", "Peer", "Time", "Left", "Messages", "How it ended"]
        .into_iter()
        .map(|head| view! { <th role="columnheader" scope="col">{head}</th> })
        .collect();
    part(view! {
        {hero(
            &["Every call,", "and how it ended."],
            "What the server has open now, and what it had open last: by whom, for how long, and why it is over. \
             Of what calls carry, nothing is shown.",
        )}
        <div class="calls">
            <section class="plate" aria-labelledby="calls-title" data-state=mood(state)>
                <header>
                    <h2 id="calls-title">{text(summary)}</h2>
                    <p class="state" role="status">{name}</p>
                </header>
                <p id="said" role="status">{text(move || watch.said())}</p>
                {part_while(move || notice(watch))}
                <table id="calls" class="figures" role="table" aria-labelledby="calls-title">
                    <thead role="rowgroup"><tr role="row">{heads}</tr></thead>
                    <tbody role="rowgroup">
                        {rows(move || watch.order(), move |number| part(watch.entry(number).map(|entry| row(watch, &entry))))}
                    </tbody>
                </table>
            </section>
        </div>
    })
}

/// Returns how the watching stands, as `data-state` has it.
fn mood(state: RwSignal<State>) -> Signal<String> {
    text(move || match &*state.read() {
        State::Opening => "opening",
        State::Watching => "streaming",
        State::Untold => "idle",
        State::Ended(_) => "failed",
    })
}

/// Says why the list does not move, if it does not.
fn notice(watch: Watch) -> Option<Part> {
    match &*watch.state().read() {
        State::Opening | State::Watching => None,
        State::Untold => Some(part(view! {
            <p class="untold">"This server does not tell of its calls: it does so on a loopback address only."</p>
        })),
        State::Ended(failure) => {
            let why = failure.as_ref().map_or("The server ended the list.", Failure::words);
            Some(part(view! {
                <p class="stopped">
                    <span>"The list stands still. " {why}</span>
                    " "
                    <button id="watch-again" type="button" on:click=move |_| watch.start()>"Watch again"</button>
                </p>
            }))
        }
    }
}

/// Shows one call.
fn row(watch: Watch, entry: &ArcRwSignal<Entry>) -> Part {
    let time = watch.time();
    let read = {
        let entry = entry.clone();
        move |words: fn(&Entry) -> String| {
            let entry = entry.clone();
            text(move || words(&entry.read()))
        }
    };
    let (ticking, left) = (entry.clone(), entry.clone());
    let took = text(move || {
        let entry = ticking.read();
        if entry.call.end.is_none() {
            words::seconds(entry.elapsed(time.get()))
        } else {
            words::precise(entry.elapsed(Duration::ZERO))
        }
    });
    let left = text(move || {
        let entry = left.read();
        let granted = entry.call.granted_ms.map(record::ms);
        match granted {
            None => "–".to_owned(),
            Some(granted) if entry.call.end.is_none() => {
                words::seconds(granted.saturating_sub(entry.elapsed(time.get())))
            }
            Some(granted) => words::precise(granted.saturating_sub(entry.elapsed(Duration::ZERO))),
        }
    });
    let cancel = part_while({
        let entry = entry.clone();
        move || entry.read().call.end.is_none().then(|| cancel_button(watch, &entry))
    });
    part(view! {
        <tr
            role="row"
            data-call=read(|entry| entry.call.call_id.clone())
            data-open=read(|entry| entry.call.end.is_none().to_string())
            data-depth=read(|entry| entry.depth.min(3).to_string())
            data-tone=read(tone)
        >
            <th role="rowheader" scope="row">
                {read(|entry| record::method(&entry.call.method).to_owned())}
                <span class="request">{read(|entry| entry.call.request_id.clone())}</span>
                <span class="works">{read(works)}</span>
            </th>
            <td role="cell" data-head="Protocol">{read(|entry| record::protocol(&entry.call).to_owned())}</td>
            <td role="cell" data-head="Peer">{read(|entry| entry.call.peer.clone().unwrap_or_else(|| "inside".to_owned()))}</td>
            <td role="cell" data-head="Time">{took}</td>
            <td role="cell" data-head="Left">{left}</td>
            <td role="cell" data-head="Messages">{read(|entry| entry.call.messages.to_string())}</td>
            <td role="cell" class="end">{read(end)} {cancel}</td>
        </tr>
    })
}

fn cancel_button(watch: Watch, entry: &ArcRwSignal<Entry>) -> Part {
    let call = entry.read_untracked().call.clone();
    let label = format!("Cancel {}, call {}", record::method(&call.method), call.call_id);
    part(
        view! { <button type="button" aria-label=label on:click=move |_| watch.cancel(&call)>"Cancel"</button> },
    )
}

/// Tells how the call ended. Nothing while it is open: there stands a button.
fn end(entry: &Entry) -> String {
    entry.call.end.as_ref().map(record::ended).unwrap_or_default()
}

fn tone(entry: &Entry) -> String {
    match &entry.call.end {
        None => "good",
        Some(end) if record::is_ok(end.code) => "good",
        Some(end) if record::code(end.code) == "CANCELLED" => "dim",
        Some(_) => "bad",
    }
    .to_owned()
}

/// Tells what ran for the call, and when each of it stopped.
fn works(entry: &Entry) -> String {
    entry.call.works.iter().map(record::work_words).collect::<Vec<_>>().join(" · ")
}
