//! The drawing of what happened to a call.

use std::time::Duration;

use leptos::prelude::*;

use crate::model::waterfall::{Kind, Row, Tone};
use crate::model::{Waterfall, words};
use crate::page::part::{Part, part, part_while};
use crate::page::text::text;

/// How wide a bar's cell is, in units of its own.
const WIDTH: u64 = 1_000;

/// Shows `drawn` as a table, once there is something to show. Its cells hold the figures; the bars beside them say nothing
/// that is not said in words. Roles are written out, because a style sheet that lays a table out anew takes them away.
pub(super) fn waterfall(drawn: Memo<Waterfall>) -> Part {
    let verdicts = text(move || drawn.read().verdicts.clone().unwrap_or_default());
    part(view! {
        <section class="plate happened" aria-labelledby="happened">
            <header>
                <h2 id="happened">"What happened"</h2>
                <p class="legend">
                    <span class="used">"took"</span>
                    <span class="track">"granted"</span>
                    <span class="wait">"waited"</span>
                    <span class="limit">"deadline"</span>
                </p>
            </header>
            {part_while(move || {
                let drawn = drawn.read();
                (!drawn.rows.is_empty()).then(|| table(&drawn))
            })}
            <p class="verdicts">{verdicts}</p>
        </section>
    })
}

fn table(drawn: &Waterfall) -> Part {
    let rows: Vec<_> = drawn.rows.iter().map(|one| row(drawn, one)).collect();
    let heads: Vec<_> = ["", "Began", "Asked", "Granted", "Took", "How it ended"]
        .into_iter()
        .map(|head| view! { <th role="columnheader" scope="col">{head}</th> })
        .collect();
    part(view! {
        <table id="waterfall" class="figures" role="table" aria-labelledby="happened">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Hop"</th>
                    {heads}
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    })
}

fn row(drawn: &Waterfall, row: &Row) -> impl IntoView + use<> {
    let time = |time: Option<Duration>| time.map_or_else(|| "–".to_owned(), words::precise);
    let figures: Vec<_> = [
        ("Began", time(Some(row.start))),
        ("Asked", time(row.asked)),
        ("Granted", time(row.granted)),
        // What was skipped took no time; how long it would have taken is said at its end.
        ("Took", time(row.used.filter(|_| row.kind != Kind::Skipped))),
    ]
    .into_iter()
    .map(|(head, figure)| view! { <td role="cell" data-head=head>{figure}</td> })
    .collect();
    view! {
        <tr role="row" data-kind=kind(row.kind) data-tone=tone(row.tone) data-depth=row.depth.to_string()>
            <th role="rowheader" scope="row">{row.name.clone()}</th>
            <td role="cell" class="bar">
                <svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true" inner_html=bars(drawn, row)></svg>
            </td>
            {figures}
            <td role="cell" class="end">{row.end.clone()}</td>
        </tr>
    }
}

/// Draws what a row took, what it was granted, and the deadline of the whole call.
fn bars(drawn: &Waterfall, row: &Row) -> String {
    let span = micros(drawn.span).max(1);
    let place = |time: Duration| (micros(time).saturating_mul(WIDTH) / span).min(WIDTH + 10);
    let bar = |class: &str, start: Duration, length: Duration| {
        let (from, to) = (place(start).min(WIDTH - 4), place(start + length));
        format!("<rect class=\"{class}\" x=\"{from}\" width=\"{}\"/>", to.saturating_sub(from).max(4))
    };
    let granted = row.granted.map(|granted| bar("track", row.start, granted));
    // Of what is unknown, it is unknown how long it took.
    let used = row.used.unwrap_or(drawn.span.saturating_sub(row.start));
    let deadline = drawn.deadline.filter(|deadline| *deadline <= drawn.span);
    let limit = deadline.map(|deadline| format!("<path class=\"limit\" d=\"M{} 0V20\"/>", place(deadline)));
    [granted, Some(bar("used", row.start, used)), limit].into_iter().flatten().collect()
}

fn micros(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000) + u64::from(duration.subsec_micros())
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Attempt => "attempt",
        Kind::Hop => "hop",
        Kind::Query => "query",
        Kind::Wait => "wait",
        Kind::Skipped => "skipped",
        Kind::Unknown => "unknown",
    }
}

fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Dim => "dim",
    }
}
