//! What happened to a call, as rows of a drawing: each attempt of this page, each hop on the servers, each wait.

use std::time::Duration;

use drawbridge_calls_proto::work::Kind as WorkKind;
use drawbridge_calls_proto::{Call, Work};
use drawbridge_fetch::{Attempt, Traced};
use tonic::{Code, Status};

use super::record::{self, method, ms};
use super::{Failure, Proof, Tone, words};

/// How deep the hops of a request are drawn. Records that go in a circle end here.
const MOST_DEPTH: usize = 8;

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An attempt, as this page saw it.
    Attempt,
    /// A call on a server, as that saw it.
    Hop,
    /// A statement in a database.
    Query,
    /// A wait between two attempts.
    Wait,
    /// A wait that was not begun.
    Skipped,
    /// A hop of which nothing is known but that it was asked.
    Unknown,
}

/// One row. Times are since this page made the call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    /// How many rows it stands under.
    pub(crate) depth: usize,
    pub(crate) name: String,
    pub(crate) start: Duration,
    /// How long it took, or was meant to take if it was skipped. Not known of a hop that cannot be asked.
    pub(crate) used: Option<Duration>,
    pub(crate) asked: Option<Duration>,
    pub(crate) granted: Option<Duration>,
    /// How it ended, and why.
    pub(crate) end: String,
    pub(crate) tone: Tone,
}

/// A call as a drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Waterfall {
    pub(crate) rows: Vec<Row>,
    /// The time from the left edge to the right one.
    pub(crate) span: Duration,
    /// When the whole call had to end.
    pub(crate) deadline: Option<Duration>,
    /// What page and server say of the end where they do not agree.
    pub(crate) verdicts: Option<String>,
}

impl Waterfall {
    /// Lays out what this page has `traced` of a call to `path` until `now`, and what its servers tell. With an empty trace,
    /// as after the page was loaded anew, there is what the servers tell.
    ///
    /// The clocks of page and server differ, so a server's row is put in the middle of the attempt that it answered;
    /// rows of one server stand to each other as its own clock has it.
    pub(crate) fn of(traced: &Traced, proof: &Proof, path: &str, now: Duration) -> Self {
        let calls = proof.calls();
        let mut rows = Vec::new();
        let roots = calls.iter().filter(|call| parent_of(calls, call).is_none());
        let mut roots = in_order(roots, |root| root.opened_unix_ms);
        let mut verdicts = None;
        for (number, attempt) in traced.attempts.iter().enumerate() {
            let row = attempt_row(traced, number, now);
            let (start, used) = (row.start, row.used.unwrap_or_default());
            rows.push(row);
            let answered = |root: &&Call| usize::try_from(root.previous_attempts) == Ok(number);
            if let Some(place) = roots.iter().position(answered) {
                let root = roots.remove(place);
                let slack = used.saturating_sub(ms(root.elapsed_ms));
                add_hop(&mut rows, calls, root, start + slack / 2, 1, true);
                verdicts = disagreement(attempt, root);
            } else {
                rows.push(unknown_row(method(path), 1, start, None, proof.unknown()));
            }
            if let Some(backoff) = attempt.backoff {
                let ended = start + used;
                let next = traced.attempts.get(number + 1).map(|next| next.started);
                let until = next.or(traced.end.as_ref().map(|(at, _)| *at)).unwrap_or(now);
                let waited = until.saturating_sub(traced.began + ended);
                rows.push(wait_row(0, ended, waited, backoff.skipped, backoff.planned));
            }
        }
        // What no attempt was answered by: all of them, where nothing was traced.
        let first = roots.first().map_or(0.0, |root| root.opened_unix_ms);
        for root in roots {
            add_hop(&mut rows, calls, root, ms(root.opened_unix_ms - first), 0, true);
        }
        if rows.is_empty() && *proof != Proof::Unasked {
            verdicts = Some(proof.unknown());
        }
        Self { span: span(&rows, traced.granted), deadline: traced.granted, verdicts, rows }
    }
}

/// Returns `items` in the order of the times at which they began. They are few, and the general way to sort is heavy.
fn in_order<'a, T>(items: impl Iterator<Item = &'a T>, began: fn(&T) -> f64) -> Vec<&'a T> {
    let mut ordered: Vec<&T> = Vec::new();
    for item in items {
        let later = ordered.iter().position(|other| began(other) > began(item));
        ordered.insert(later.unwrap_or(ordered.len()), item);
    }
    ordered
}

/// Returns the time that the drawing is wide. A wait that was skipped may go beyond its edge, but the deadline that it would
/// have gone beyond does not.
fn span(rows: &[Row], deadline: Option<Duration>) -> Duration {
    let least = Duration::from_millis(1);
    let end = |row: &Row| row.start + row.used.unwrap_or_default();
    let done = rows.iter().filter(|row| row.kind != Kind::Skipped).map(end).fold(least, Duration::max);
    let all = rows.iter().map(end).fold(done, Duration::max);
    let room = deadline.map_or(done * 5 / 3, |deadline| deadline * 11 / 10);
    all.min(room.max(done))
}

fn attempt_row(traced: &Traced, number: usize, now: Duration) -> Row {
    let attempt = &traced.attempts[number];
    let start = attempt.started.saturating_sub(traced.began);
    let until = attempt.end.as_ref().map_or(now, |(at, _)| *at);
    let several = traced.attempts.len() > 1;
    let name = if several { format!("This page, attempt {}", number + 1) } else { "This page".to_owned() };
    let (end, tone) = attempt.end.as_ref().map_or_else(running, |(_, status)| told(status));
    Row {
        kind: Kind::Attempt,
        depth: 0,
        name,
        start,
        used: Some(until.saturating_sub(attempt.started)),
        asked: None,
        granted: traced.granted.map(|granted| granted.saturating_sub(start)),
        end,
        tone,
    }
}

fn running() -> (String, Tone) {
    ("runs".to_owned(), Tone::Good)
}

/// Tells how an attempt ended for this page.
fn told(status: &Status) -> (String, Tone) {
    let failure = Failure::from(status);
    let words = match (failure.code(), failure.is_local()) {
        (Code::Ok, _) => return ("answered, OK".to_owned(), Tone::Good),
        (_, true) => format!("{}, by this page", failure.code_name()),
        (_, false) => format!("{}, from the server", failure.code_name()),
    };
    let said = failure.message();
    (if said.is_empty() { words } else { format!("{words}: {said}") }, Tone::of(failure.code()))
}

/// Says what page and server each made of the end, where it is not the same code.
fn disagreement(attempt: &Attempt, call: &Call) -> Option<String> {
    let (_, status) = attempt.end.as_ref()?;
    let end = call.end.as_ref()?;
    let page = Failure::from(status);
    let server = record::code(end.code);
    (page.code_name() != server).then(|| {
        let by = record::ended_by(end);
        format!("This page says {}; the server says {server}, {by}.", page.code_name())
    })
}

/// Adds a call on a server, and under it what ran for it.
fn add_hop(rows: &mut Vec<Row>, calls: &[Call], call: &Call, start: Duration, depth: usize, only: bool) {
    let ended = |end| (record::ended(end), record::tone(end));
    let (end, tone) = call.end.as_ref().map_or_else(running, ended);
    let name = method(&call.method).to_owned();
    let name = if only { name } else { format!("{name}, attempt {}", call.previous_attempts + 1) };
    rows.push(Row {
        kind: Kind::Hop,
        depth,
        name,
        start,
        used: Some(ms(call.elapsed_ms)),
        asked: call.asked_ms.map(ms),
        granted: call.granted_ms.map(ms),
        end,
        tone,
    });
    if depth == MOST_DEPTH {
        return;
    }
    let below = calls.iter().filter(|child| child.parent_call_id.as_ref() == Some(&call.call_id));
    let mut children = in_order(below, |child| child.opened_unix_ms);
    let several = children.len() > 1;
    let works = in_order(call.works.iter(), |work| work.started_ms);
    for work in works {
        let began = start + ms(work.started_ms);
        let ran = ms(work.stopped_ms.unwrap_or(call.elapsed_ms) - work.started_ms);
        match work.kind() {
            WorkKind::Child => {
                // Attempts at a child come in the order in which they were opened.
                if let Some(place) = children.iter().position(|child| child.method == work.name) {
                    let child = children.remove(place);
                    let ahead = ms(child.opened_unix_ms - call.opened_unix_ms);
                    add_hop(rows, calls, child, start + ahead, depth + 1, !several);
                } else {
                    rows.push(elsewhere(work, depth + 1, began, ran));
                }
            }
            WorkKind::Activity => rows.push(query_row(work, depth + 1, began, ran)),
            WorkKind::Backoff => {
                let planned = ms(work.planned_ms.unwrap_or_default());
                rows.push(wait_row(depth + 1, began, ran, record::is_skipped(work), planned));
            }
            WorkKind::Handler | WorkKind::Unspecified => {}
        }
    }
    for child in children {
        let ahead = ms(child.opened_unix_ms - call.opened_unix_ms);
        add_hop(rows, calls, child, start + ahead, depth + 1, !several);
    }
}

fn parent_of<'a>(calls: &'a [Call], call: &Call) -> Option<&'a Call> {
    let parent = call.parent_call_id.as_ref()?;
    calls.iter().find(|other| other.call_id == *parent)
}

/// Returns the row of a child call whose server was not asked: what its caller saw of it.
fn elsewhere(work: &Work, depth: usize, start: Duration, ran: Duration) -> Row {
    let code = work.code.map_or_else(String::new, |code| format!(", {}", record::code(code)));
    let words = format!("Its own server was not asked; its caller saw it for this long{code}.");
    unknown_row(method(&work.name), depth, start, Some(ran), words)
}

fn unknown_row(name: &str, depth: usize, start: Duration, used: Option<Duration>, end: String) -> Row {
    let name = name.to_owned();
    Row { kind: Kind::Unknown, depth, name, start, used, asked: None, granted: None, end, tone: Tone::Dim }
}

fn query_row(work: &Work, depth: usize, start: Duration, ran: Duration) -> Row {
    let end = if work.stopped_ms.is_some() { "stopped" } else { "runs" }.to_owned();
    let name = "Query".to_owned();
    let used = Some(ran);
    Row { kind: Kind::Query, depth, name, start, used, asked: None, granted: None, end, tone: Tone::Good }
}

fn wait_row(depth: usize, start: Duration, waited: Duration, skipped: bool, planned: Duration) -> Row {
    let (kind, used, end) = if skipped {
        (Kind::Skipped, planned, format!("{} skipped: the deadline comes first", words::precise(planned)))
    } else {
        (Kind::Wait, waited, format!("{} planned", words::precise(planned)))
    };
    let name = "Wait before the next".to_owned();
    Row { kind, depth, name, start, used: Some(used), asked: None, granted: None, end, tone: Tone::Dim }
}

#[cfg(test)]
mod tests;
