//! The waterfall of a call as a table with bars.

use std::time::Duration;

use leptos::prelude::*;

use crate::model::waterfall::{Row, RowKind};
use crate::model::{Waterfall, format};
use crate::page::components::column_head;
use crate::page::dom::{BoxedView, boxed, element, optional, text, text_signal};

/// The width of a bar's cell in units of the drawing.
const WIDTH: u64 = 1_000;

/// Shows a table of the rows, once there are rows. The cells contain all figures; the bars repeat them.
pub(super) fn waterfall(waterfall: Memo<Waterfall>) -> BoxedView {
    let note = text_signal(move || waterfall.read().note.clone().unwrap_or_default());
    boxed(view! {
        <section class="panel timeline" aria-labelledby="timeline-title">
            <header>
                <h2 id="timeline-title">"Timeline"</h2>
                <p class="legend">
                    <span class="duration">"duration"</span>
                    <span class="granted">"granted timeout"</span>
                    <span class="backoff">"backoff"</span>
                    <span class="deadline">"deadline"</span>
                </p>
            </header>
            {optional(move || {
                let waterfall = waterfall.read();
                (!waterfall.rows.is_empty()).then(|| table(&waterfall))
            })}
            <p class="timeline-note">{note}</p>
        </section>
    })
}

fn table(waterfall: &Waterfall) -> BoxedView {
    let heads = ["Hop", "", "Start", "Requested", "Granted", "Duration", "Result"].map(column_head);
    let head = element("thead", &[("role", "rowgroup")], [element("tr", &[("role", "row")], heads)]);
    let rows = waterfall.rows.iter().map(|one| row(waterfall, one));
    let body = element("tbody", &[("role", "rowgroup")], rows);
    let attributes = [
        ("id", "waterfall"),
        ("class", "data-table"),
        ("role", "table"),
        ("aria-labelledby", "timeline-title"),
    ];
    element("table", &attributes, [head, body])
}

fn row(waterfall: &Waterfall, row: &Row) -> BoxedView {
    let time = |time: Option<Duration>| time.map_or_else(|| "–".to_owned(), format::precise);
    let bars = boxed(view! {
        <svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true" inner_html=bars(waterfall, row)></svg>
    });
    let cell = |name, value, content| element("td", &[("role", "cell"), (name, value)], [content]);
    let figure = |head, figure| cell("data-head", head, text(figure));
    let cells = [
        element("th", &[("role", "rowheader"), ("scope", "row")], [text(row.name.clone())]),
        cell("class", "bar", bars),
        figure("Start", time(Some(row.start))),
        figure("Requested", time(row.requested)),
        figure("Granted", time(row.granted)),
        // A skipped backoff took no time. Its result says how long it would have been.
        figure("Duration", time(row.duration.filter(|_| row.kind != RowKind::SkippedBackoff))),
        cell("class", "end", text(row.end.clone())),
    ];
    let depth = row.depth.to_string();
    let attributes = [
        ("role", "row"),
        ("data-kind", kind(row.kind)),
        ("data-severity", row.severity.name()),
        ("data-depth", &depth),
    ];
    element("tr", &attributes, cells)
}

/// Draws the duration of a row, its granted timeout, and the deadline of the whole call.
fn bars(waterfall: &Waterfall, row: &Row) -> String {
    let span = micros(waterfall.span).max(1);
    let place = |time: Duration| (micros(time).saturating_mul(WIDTH) / span).min(WIDTH + 10);
    let bar = |class: &str, start: Duration, length: Duration| {
        let (from, to) = (place(start).min(WIDTH - 4), place(start + length));
        format!("<rect class=\"{class}\" x=\"{from}\" width=\"{}\"/>", to.saturating_sub(from).max(4))
    };
    let granted = row.granted.map(|granted| bar("granted", row.start, granted));
    // An unknown duration reaches to the end of the axis.
    let duration = row.duration.unwrap_or(waterfall.span.saturating_sub(row.start));
    let deadline = waterfall.deadline.filter(|deadline| *deadline <= waterfall.span);
    let deadline =
        deadline.map(|deadline| format!("<path class=\"deadline\" d=\"M{} 0V20\"/>", place(deadline)));
    [granted, Some(bar("duration", row.start, duration)), deadline].into_iter().flatten().collect()
}

fn micros(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000) + u64::from(duration.subsec_micros())
}

fn kind(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Attempt => "attempt",
        RowKind::Hop => "hop",
        RowKind::Activity => "activity",
        RowKind::Backoff => "backoff",
        RowKind::SkippedBackoff => "skipped",
        RowKind::Unknown => "unknown",
    }
}
