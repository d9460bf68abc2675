//! The waterfall: a call as rows on one time axis, with each attempt, hop, activity and backoff.

use std::time::Duration;

use drawbridge_calls_proto::activity::Kind as ActivityKind;
use drawbridge_calls_proto::{Activity, Call};
use drawbridge_fetch::{Attempt, Traced};
use tonic::{Code, Status};

use super::call_format::{self, method, ms};
use super::failure::Failure;
use super::format::precise;
use super::receipt::Receipt;
use super::severity::Severity;

/// The most levels of hops. It ends a cycle of records.
const MAX_DEPTH: usize = 8;

/// The kind of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// An attempt, from the page's trace.
    Attempt,
    /// A call on a server, from that server's record.
    Hop,
    /// An activity that the handler has named, such as a database query.
    Activity,
    /// A backoff between two attempts.
    Backoff,
    /// A backoff that was not started, because the deadline comes first.
    SkippedBackoff,
    /// A hop without a record.
    Unknown,
}

/// One row. Times count from the start of the call on this page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) kind: RowKind,
    /// The level of indentation.
    pub(crate) depth: usize,
    pub(crate) name: String,
    pub(crate) start: Duration,
    /// How long it took. The planned time of a skipped backoff, and `None` for a hop without a record.
    pub(crate) duration: Option<Duration>,
    /// The timeout that the caller sent.
    pub(crate) requested: Option<Duration>,
    /// The timeout that the server granted.
    pub(crate) granted: Option<Duration>,
    /// How it ended.
    pub(crate) end: String,
    pub(crate) severity: Severity,
}

/// A call as rows on one time axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Waterfall {
    pub(crate) rows: Vec<Row>,
    /// The length of the time axis.
    pub(crate) span: Duration,
    /// The deadline of the whole call.
    pub(crate) deadline: Option<Duration>,
    /// A note on the last attempt, where page and server report different codes, or on a missing receipt.
    pub(crate) note: Option<String>,
}

impl Waterfall {
    /// Builds the waterfall of a call to `path` from the page's trace up to `now` and the servers' records. An empty trace,
    /// as after a reload, leaves the servers' records alone.
    ///
    /// The clocks of page and server differ, so a server's row is centred in the attempt that it answered. The rows of one
    /// server keep their offsets by its own clock.
    pub(crate) fn new(trace: &Traced, receipt: &Receipt, path: &str, now: Duration) -> Self {
        let calls = receipt.calls();
        let mut rows = Vec::new();
        let roots = calls.iter().filter(|call| parent_of(calls, call).is_none());
        let mut roots = in_order(roots, |root| root.opened_unix_ms);
        let mut note = None;
        for (number, attempt) in trace.attempts.iter().enumerate() {
            let row = attempt_row(trace, number, now);
            let (start, duration) = (row.start, row.duration.unwrap_or_default());
            rows.push(row);
            let answered = |root: &&Call| usize::try_from(root.previous_attempts) == Ok(number);
            if let Some(place) = roots.iter().position(answered) {
                let root = roots.remove(place);
                let slack = duration.saturating_sub(ms(root.elapsed_ms));
                push_hop(&mut rows, calls, root, start + slack / 2, 1, true);
                note = disagreement(attempt, root);
            } else {
                rows.push(unknown_row(method(path), 1, start, None, receipt.missing_reason()));
            }
            if let Some(backoff) = attempt.backoff {
                let ended = start + duration;
                let next = trace.attempts.get(number + 1).map(|next| next.started);
                let until = next.or(trace.end.as_ref().map(|(at, _)| *at)).unwrap_or(now);
                let waited = until.saturating_sub(trace.began + ended);
                rows.push(backoff_row(0, ended, waited, backoff.skipped, backoff.planned));
            }
        }
        // The calls that answered no attempt: all of them, when the trace is empty.
        let first = roots.first().map_or(0.0, |root| root.opened_unix_ms);
        for root in roots {
            push_hop(&mut rows, calls, root, ms(root.opened_unix_ms - first), 0, true);
        }
        if rows.is_empty() && *receipt != Receipt::NotRequested {
            note = Some(receipt.missing_reason());
        }
        Self { span: span(&rows, trace.granted), deadline: trace.granted, note, rows }
    }
}

/// Sorts a few items by the time at which they started. `slice::sort` would add kilobytes to the page.
fn in_order<'a, T>(items: impl Iterator<Item = &'a T>, started: fn(&T) -> f64) -> Vec<&'a T> {
    let mut ordered: Vec<&T> = Vec::new();
    for item in items {
        let later = ordered.iter().position(|other| started(other) > started(item));
        ordered.insert(later.unwrap_or(ordered.len()), item);
    }
    ordered
}

/// Returns the length of the time axis. A skipped backoff may reach beyond the axis; the deadline that it exceeds may not.
fn span(rows: &[Row], deadline: Option<Duration>) -> Duration {
    let min = Duration::from_millis(1);
    let end = |row: &Row| row.start + row.duration.unwrap_or_default();
    let done =
        rows.iter().filter(|row| row.kind != RowKind::SkippedBackoff).map(end).fold(min, Duration::max);
    let all = rows.iter().map(end).fold(done, Duration::max);
    let room = deadline.map_or(done * 5 / 3, |deadline| deadline * 11 / 10);
    all.min(room.max(done))
}

fn attempt_row(trace: &Traced, number: usize, now: Duration) -> Row {
    let attempt = &trace.attempts[number];
    let start = attempt.started.saturating_sub(trace.began);
    let until = attempt.end.as_ref().map_or(now, |(at, _)| *at);
    let several = trace.attempts.len() > 1;
    let name = if several { format!("This page, attempt {}", number + 1) } else { "This page".to_owned() };
    let (end, severity) = attempt.end.as_ref().map_or_else(running, |(_, status)| attempt_end(status));
    Row {
        kind: RowKind::Attempt,
        depth: 0,
        name,
        start,
        duration: Some(until.saturating_sub(attempt.started)),
        requested: None,
        granted: trace.granted.map(|granted| granted.saturating_sub(start)),
        end,
        severity,
    }
}

fn running() -> (String, Severity) {
    ("running".to_owned(), Severity::Ok)
}

/// Returns how an attempt ended on this page.
fn attempt_end(status: &Status) -> (String, Severity) {
    let failure = Failure::from(status);
    let side = if failure.is_local() { "set by this page" } else { "from the server" };
    let end = format!("{}, {side}", failure.code_name());
    let message = if failure.code() == Code::Ok { "" } else { failure.message() };
    (if message.is_empty() { end } else { format!("{end}: {message}") }, Severity::of(failure.code()))
}

/// Returns which codes page and server report for the end, when they differ.
fn disagreement(attempt: &Attempt, call: &Call) -> Option<String> {
    let (_, status) = attempt.end.as_ref()?;
    let end = call.end.as_ref()?;
    let page = Failure::from(status).code_name();
    let server = call_format::code(end.code);
    (page != server).then(|| {
        format!("This page reports {page}; the server reports {server}, {}.", call_format::end_reason(end))
    })
}

/// Adds a call on a server, and below it what ran for the call.
fn push_hop(rows: &mut Vec<Row>, calls: &[Call], call: &Call, start: Duration, depth: usize, only: bool) {
    let ended = |end| (call_format::end(end), call_format::severity(end));
    let (end, severity) = call.end.as_ref().map_or_else(running, ended);
    let name = method(&call.method).to_owned();
    let name = if only { name } else { format!("{name}, attempt {}", call.previous_attempts + 1) };
    rows.push(Row {
        kind: RowKind::Hop,
        depth,
        name,
        start,
        duration: Some(ms(call.elapsed_ms)),
        requested: call.asked_ms.map(ms),
        granted: call.granted_ms.map(ms),
        end,
        severity,
    });
    if depth == MAX_DEPTH {
        return;
    }
    let children = calls.iter().filter(|child| child.parent_call_id.as_ref() == Some(&call.call_id));
    let mut children = in_order(children, |child| child.opened_unix_ms);
    let several = children.len() > 1;
    let child_start = |child: &Call| start + ms(child.opened_unix_ms - call.opened_unix_ms);
    for activity in in_order(call.activities.iter(), |activity| activity.started_ms) {
        let activity_start = start + ms(activity.started_ms);
        let duration = ms(activity.stopped_ms.unwrap_or(call.elapsed_ms) - activity.started_ms);
        match activity.kind() {
            ActivityKind::Child => {
                // The attempts of a child call match its records in the order in which they opened.
                if let Some(place) = children.iter().position(|child| child.method == activity.name) {
                    let child = children.remove(place);
                    push_hop(rows, calls, child, child_start(child), depth + 1, !several);
                } else {
                    rows.push(unrecorded_child(activity, depth + 1, activity_start, duration));
                }
            }
            ActivityKind::Named => rows.push(activity_row(activity, depth + 1, activity_start, duration)),
            ActivityKind::Backoff => {
                let planned = ms(activity.planned_ms.unwrap_or_default());
                let skipped = call_format::is_skipped_backoff(activity);
                rows.push(backoff_row(depth + 1, activity_start, duration, skipped, planned));
            }
            ActivityKind::Handler | ActivityKind::Unspecified => {}
        }
    }
    for child in children {
        push_hop(rows, calls, child, child_start(child), depth + 1, !several);
    }
}

fn parent_of<'a>(calls: &'a [Call], call: &Call) -> Option<&'a Call> {
    let parent = call.parent_call_id.as_ref()?;
    calls.iter().find(|other| other.call_id == *parent)
}

/// Returns the row of a child call without a record of its own: its caller's record of it.
fn unrecorded_child(activity: &Activity, depth: usize, start: Duration, duration: Duration) -> Row {
    let code = activity.code.map_or_else(String::new, |code| format!("{}. ", call_format::code(code)));
    let end = format!("{code}Measured by the caller; its own server has no record here.");
    unknown_row(method(&activity.name), depth, start, Some(duration), end)
}

fn unknown_row(name: &str, depth: usize, start: Duration, duration: Option<Duration>, end: String) -> Row {
    let name = name.to_owned();
    let severity = Severity::Neutral;
    Row {
        kind: RowKind::Unknown,
        depth,
        name,
        start,
        duration,
        requested: None,
        granted: None,
        end,
        severity,
    }
}

fn activity_row(activity: &Activity, depth: usize, start: Duration, duration: Duration) -> Row {
    let end = if activity.stopped_ms.is_some() { "stopped" } else { "running" }.to_owned();
    let (name, duration, severity) = (activity.name.clone(), Some(duration), Severity::Ok);
    Row {
        kind: RowKind::Activity,
        depth,
        name,
        start,
        duration,
        requested: None,
        granted: None,
        end,
        severity,
    }
}

fn backoff_row(depth: usize, start: Duration, waited: Duration, skipped: bool, planned: Duration) -> Row {
    let (kind, duration, end) = if skipped {
        let end = format!("{} skipped: the deadline comes first", precise(planned));
        (RowKind::SkippedBackoff, planned, end)
    } else {
        (RowKind::Backoff, waited, format!("{} planned", precise(planned)))
    };
    let (name, duration, severity) = ("Backoff".to_owned(), Some(duration), Severity::Neutral);
    Row { kind, depth, name, start, duration, requested: None, granted: None, end, severity }
}

#[cfg(test)]
mod tests;
