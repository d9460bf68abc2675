//! The server's log, which records how each call ended.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::sync::watch;

use crate::TIMEOUT;

/// One line of the log.
#[derive(Clone, Debug)]
pub struct Event {
    line: String,
    json: Value,
}

impl Event {
    /// Parses a line. A line that is not JSON, such as a panic, is an event without fields.
    pub(crate) fn parse(line: String) -> Self {
        let json = serde_json::from_str(&line).unwrap_or_default();
        Self { line, json }
    }

    /// Returns the message, or empty text.
    pub fn message(&self) -> &str {
        self.text("message")
    }

    /// Returns a text field, or empty text.
    pub fn text(&self, field: &str) -> &str {
        self.json["fields"][field].as_str().unwrap_or_default()
    }

    /// Returns a field with a whole number.
    pub fn number(&self, field: &str) -> Option<u64> {
        self.json["fields"][field].as_u64()
    }

    /// Returns the timestamp.
    ///
    /// # Errors
    ///
    /// When the line has no RFC 3339 timestamp.
    pub fn at(&self) -> Result<SystemTime> {
        let timestamp = self.json["timestamp"].as_str().unwrap_or_default();
        let at = OffsetDateTime::parse(timestamp, &Rfc3339)
            .with_context(|| format!("the log line has no timestamp: {self}"))?;
        Ok(at.into())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// The log of a server since its start. It grows while the server runs.
#[derive(Clone)]
pub struct Log {
    events: watch::Receiver<Vec<Event>>,
    claimed: Arc<Mutex<BTreeSet<String>>>,
}

impl Log {
    pub(crate) fn new(events: watch::Receiver<Vec<Event>>) -> Self {
        Self { events, claimed: Arc::default() }
    }

    /// Waits for an event that matches, and returns the first one in the log.
    ///
    /// # Errors
    ///
    /// When it does not occur in time or before the server exits, with the end of the log.
    pub async fn await_event(&self, what: &str, matches: impl Fn(&Event) -> bool) -> Result<Event> {
        let mut events = self.events.clone();
        let wait = events.wait_for(|events| events.iter().any(&matches));
        let exited = match tokio::time::timeout(TIMEOUT, wait).await {
            Ok(Ok(events)) => {
                return events
                    .iter()
                    .find(|event| matches(event))
                    .cloned()
                    .context("events are never removed");
            }
            Ok(Err(_closed)) => true,
            Err(_elapsed) => false,
        };
        if exited {
            bail!("the server exited without logging {what}. Its log ends:\n{self}")
        }
        bail!("waited {TIMEOUT:?} for {what} in the server's log, which ends:\n{self}")
    }

    /// Waits for the next call of `method` to open. Each call is returned once.
    pub async fn next_call(&self, method: &str) -> Result<Call> {
        let is_new = |event: &Event| {
            event.message() == "call opened"
                && event.text("method") == method
                && !self.claimed().contains(event.text("call_id"))
        };
        let opened = self.await_event(&format!("a new call of {method}"), is_new).await?;
        let id = opened.text("call_id").to_owned();
        self.claimed().insert(id.clone());
        Ok(Call { id, log: self.clone() })
    }

    /// Returns how many calls are open, besides those of the page to the console: it asks for receipts at times of its own.
    pub fn open_calls(&self) -> usize {
        let events = self.events.borrow();
        let of_others = |event: &&Event| !event.text("method").starts_with("/drawbridge.calls.v1.");
        let count =
            |message| events.iter().filter(of_others).filter(|event| event.message() == message).count();
        count("call opened") - count("call ended")
    }

    fn claimed(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LINES: usize = 20;
        let events = self.events.borrow();
        events.iter().skip(events.len().saturating_sub(LINES)).try_for_each(|event| writeln!(f, "  {event}"))
    }
}

/// One call on the server.
#[derive(Clone)]
pub struct Call {
    id: String,
    log: Log,
}

impl Call {
    /// Returns whether the call is open.
    pub fn is_open(&self) -> bool {
        !self.log.events.borrow().iter().any(|event| self.is_end(event))
    }

    /// Returns the timeout that the server granted, if the call has a deadline.
    pub fn granted(&self) -> Option<Duration> {
        let events = self.log.events.borrow();
        let opened = |event: &&Event| event.message() == "call opened" && event.text("call_id") == self.id;
        let milliseconds = events.iter().find(opened)?.json["fields"]["deadline_ms"].as_f64()?;
        Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
    }

    /// Waits for the end of the call.
    pub async fn end(&self) -> Result<End> {
        let event =
            self.log.await_event(&format!("the end of call {}", self.id), |event| self.is_end(event)).await?;
        Ok(End {
            how: event.text("end").to_owned(),
            code: event.text("code").to_owned(),
            messages: event.number("messages").with_context(|| format!("no number of messages: {event}"))?,
            at: event.at()?,
        })
    }

    /// Waits until the SQL query of the call has been stopped.
    pub async fn query_stopped(&self) -> Result<()> {
        let stopped =
            |event: &Event| event.message() == "lookup stopped" && event.json["span"]["id"] == self.id;
        self.log.await_event(&format!("a stopped query of call {}", self.id), stopped).await?;
        Ok(())
    }

    fn is_end(&self, event: &Event) -> bool {
        event.message() == "call ended" && event.text("call_id") == self.id
    }
}

/// How a call ended.
#[derive(Clone, Debug)]
pub struct End {
    /// The end reason in the log. `client gone` proves that the server dropped the handler.
    pub how: String,
    /// The name of the gRPC status code.
    pub code: String,
    /// How many messages the server has sent.
    pub messages: u64,
    /// When the server logged the end.
    pub at: SystemTime,
}
