//! The drawing of what happened to a call.

use std::time::Duration;

use leptos::prelude::*;

use super::parts::column_head;
use crate::model::waterfall::{Kind, Row};
use crate::model::{Waterfall, words};
use crate::page::part::{Part, part, part_while};
use crate::page::plain::{self, plain};
use crate::page::text::text;

/// How wide a bar's cell is, in units of its own.
const WIDTH: u64 = 1_000;

/// Shows `drawn` as a table, once there is something to show. Its cells hold the figures; the bars beside them say nothing
/// that is not said in words.
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
    let heads = ["Hop", "", "Began", "Asked", "Granted", "Took", "How it ended"].map(column_head);
    let head = plain("thead", &[("role", "rowgroup")], [plain("tr", &[("role", "row")], heads)]);
    let body = plain("tbody", &[("role", "rowgroup")], drawn.rows.iter().map(|one| row(drawn, one)));
    let attributes =
        [("id", "waterfall"), ("class", "figures"), ("role", "table"), ("aria-labelledby", "happened")];
    plain("table", &attributes, [head, body])
}

fn row(drawn: &Waterfall, row: &Row) -> Part {
    let time = |time: Option<Duration>| time.map_or_else(|| "–".to_owned(), words::precise);
    let bars = part(view! {
        <svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true" inner_html=bars(drawn, row)></svg>
    });
    let cell = |name, value, content| plain("td", &[("role", "cell"), (name, value)], [content]);
    let figure = |head, figure| cell("data-head", head, plain::words(figure));
    let cells = [
        plain("th", &[("role", "rowheader"), ("scope", "row")], [plain::words(row.name.clone())]),
        cell("class", "bar", bars),
        figure("Began", time(Some(row.start))),
        figure("Asked", time(row.asked)),
        figure("Granted", time(row.granted)),
        // What was skipped took no time; how long it would have taken is said at its end.
        figure("Took", time(row.used.filter(|_| row.kind != Kind::Skipped))),
        cell("class", "end", plain::words(row.end.clone())),
    ];
    let depth = row.depth.to_string();
    let attributes = [
        ("role", "row"),
        ("data-kind", kind(row.kind)),
        ("data-tone", row.tone.name()),
        ("data-depth", &depth),
    ];
    plain("tr", &attributes, cells)
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
