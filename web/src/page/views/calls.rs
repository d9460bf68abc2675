//! *Calls*: the calls that are open on the server, and those that ended last.

use std::time::Duration;

use drawbridge_calls_proto::Call;
use leptos::prelude::*;

use crate::model::{Failure, Link, Severity, call_format, format};
use crate::page::components::{column_head, connection_notice, console_token_form, hero};
use crate::page::dom::{BoxedView, boxed, element, keyed_list, optional, text, text_signal};
use crate::page::rpc::{LiveCalls, WatchStatus};

/// Returns the text of a cell for a call, its elapsed time and its depth.
type Format = fn(&Call, Duration, usize) -> String;

/// Shows the view.
pub(crate) fn calls() -> BoxedView {
    let live = LiveCalls::watch();
    let status = Memo::new(move |_| live.status());
    // The state selects the colour, as that of a stream does.
    let names = Memo::new(move |_| match (&*status.read(), live.connection().state().read().link()) {
        (WatchStatus::Unsupported, _) => ("idle", "not available"),
        (WatchStatus::Stopped(_), _) => ("failed", "stopped"),
        (WatchStatus::TokenRequired { .. }, _) => ("idle", "locked"),
        (_, Link::Connecting) => ("opening", "connecting"),
        (_, Link::Connected) => ("streaming", "live"),
        (_, Link::Waiting(_)) => ("reconnecting", "reconnecting"),
    });
    let state = text_signal(move || names.get().0);
    let label = text_signal(move || names.get().1);
    let outdated = text_signal(move || live.is_stale().to_string());
    let heads: Vec<_> = ["Call", "Protocol", "Peer", "Duration", "Time left", "Messages", "Result"]
        .into_iter()
        .map(column_head)
        .collect();
    boxed(view! {
        {hero(
            &["Every call,", "and how it ended."],
            "The calls that are open on this server, and the calls that ended last: who made them, how long they took, \
             and why they ended. Message contents are not shown.",
        )}
        <div class="calls">
            <section class="panel" aria-labelledby="calls-title" data-state=state>
                <header>
                    <h2 id="calls-title">{text_signal(move || title(live))}</h2>
                    <p class="state" role="status">{label}</p>
                </header>
                <p id="cancel-result" role="status">{text_signal(move || live.cancel_result())}</p>
                {optional(move || warning(live, &status.read()))}
                {connection_notice(live.connection(), move || *status.read() == WatchStatus::Following)}
                <table id="calls" class="data-table" role="table" aria-labelledby="calls-title" data-stale=outdated>
                    <thead role="rowgroup"><tr role="row">{heads}</tr></thead>
                    <tbody role="rowgroup">{keyed_list(move || live.order(), move |number| row(live, number))}</tbody>
                </table>
            </section>
        </div>
    })
}

fn title(live: LiveCalls) -> String {
    if matches!(live.status(), WatchStatus::TokenRequired { .. }) {
        return "Calls".to_owned();
    }
    let (open, skipped) = live.counts();
    let skipped = match skipped {
        0 => String::new(),
        skipped => format!(", {skipped} ended too fast to be listed"),
    };
    let connection = live.connection().state().read();
    let unknown =
        connection.unknown_since().map(|since| format!(", unknown since {since}")).unwrap_or_default();
    format!("{open} open{skipped}{unknown}")
}

/// Says why the list is not updated, if it is not.
fn warning(live: LiveCalls, status: &WatchStatus) -> Option<BoxedView> {
    match status {
        WatchStatus::Following => None,
        WatchStatus::Unsupported => {
            Some(element("p", &[("class", "warning")], [text(call_format::NO_CALL_RECORDS)]))
        }
        WatchStatus::TokenRequired { rejected } => {
            Some(console_token_form(*rejected, move || live.connect()))
        }
        WatchStatus::Stopped(failure) => {
            let why =
                failure.as_ref().map_or("The server ended the stream of updates.", Failure::explanation);
            Some(boxed(view! {
                <p class="warning">
                    "The list is no longer updated. " {why} " "
                    <button id="reconnect" type="button" on:click=move |_| live.connect()>"Reconnect"</button>
                </p>
            }))
        }
    }
}

/// Shows the call with this number.
fn row(live: LiveCalls, number: usize) -> BoxedView {
    let signal = move |format: Format| text_signal(move || live.format(number, format));
    let cells: Vec<_> = [
        ("Protocol", (|call, _, _| call_format::protocol(call).to_owned()) as Format),
        ("Peer", |call, _, _| call.peer.clone().unwrap_or_else(|| "in process".to_owned())),
        ("Duration", |call, elapsed, _| duration(call, elapsed)),
        ("Time left", |call, elapsed, _| time_left(call, elapsed)),
        ("Messages", |call, _, _| call.messages.to_string()),
    ]
    .into_iter()
    .map(|(head, format)| view! { <td role="cell" data-head=head>{signal(format)}</td> })
    .collect();
    let open = Memo::new(move |_| !live.format(number, open).is_empty());
    boxed(view! {
        <tr
            role="row"
            data-call=signal(|call, _, _| call.call_id.clone())
            data-open=text_signal(move || open.get().to_string())
            data-depth=signal(|_, _, depth| depth.min(3).to_string())
            data-severity=signal(severity)
        >
            <th role="rowheader" scope="row">
                {signal(|call, _, _| call_format::method(&call.method).to_owned())}
                " "
                <span class="request-id">{signal(|call, _, _| call.request_id.clone())}</span>
                " "
                <span class="upstream">{signal(upstream)}</span>
                " "
                <span class="activities">{signal(activities)}</span>
            </th>
            {cells}
            <td role="cell" class="end">
                {signal(|call, _, _| call.end.as_ref().map(call_format::end).unwrap_or_default())}
                {optional(move || open.get().then(|| cancel_button(live, number)))}
            </td>
        </tr>
    })
}

fn cancel_button(live: LiveCalls, number: usize) -> BoxedView {
    let label =
        untrack(|| live.format(number, |call, _, _| format!("Cancel {}", call_format::method(&call.method))));
    boxed(view! {
        <button
            type="button"
            aria-label=label
            aria-disabled=text_signal(move || live.is_stale().to_string())
            on:click=move |_| live.cancel(number)
        >
            "Cancel"
        </button>
    })
}

/// Returns a text for an open call, and none for an ended one.
fn open(call: &Call, _: Duration, _: usize) -> String {
    if call.end.is_none() { "open".to_owned() } else { String::new() }
}

fn duration(call: &Call, elapsed: Duration) -> String {
    if call.end.is_none() { format::seconds(elapsed) } else { format::precise(elapsed) }
}

/// Returns the time left to the deadline, now or at the end of the call.
fn time_left(call: &Call, elapsed: Duration) -> String {
    let granted = call.granted_ms.map(call_format::ms);
    granted.map_or_else(|| "–".to_owned(), |granted| duration(call, granted.saturating_sub(elapsed)))
}

fn severity(call: &Call, _: Duration, _: usize) -> String {
    call.end.as_ref().map_or(Severity::Ok, call_format::severity).name().to_owned()
}

/// Returns to which upstream the call was sent, and when.
fn upstream(call: &Call, _: Duration, _: usize) -> String {
    call_format::forwarded(call).map(|(sent, _)| sent).unwrap_or_default()
}

/// Returns when the upstream answered, and what ran for the call.
fn activities(call: &Call, _: Duration, _: usize) -> String {
    let answered = call_format::forwarded(call).map(|(_, answered)| answered);
    let activities = call.activities.iter().map(|activity| call_format::activity_summary(activity, call));
    answered.into_iter().chain(activities).collect::<Vec<_>>().join(" · ")
}
