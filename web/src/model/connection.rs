//! The connection of a live view as the page shows it.

use std::time::Duration;

use drawbridge_fetch::{Cause, RetryAt};
use tonic::Status;

/// Whether a live view has a call at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Link {
    /// The first call was made, and no response has arrived.
    #[default]
    Connecting,
    /// A call is open.
    Connected,
    /// The last call failed. The next one is made at this time.
    Waiting(RetryAt),
}

/// The connection of a live view, whose stream calls again after a restart of the server or a lost network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Connection {
    link: Link,
    last_break: Option<Break>,
}

/// A break of the connection. Calls that fail before the next one is accepted belong to the same break.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Break {
    /// When it began, as a time of day.
    since: String,
    /// Whether the server announced it.
    planned: bool,
    /// What the last call failed of.
    what: &'static str,
    /// When the connection came back, as a time of day.
    until: Option<String>,
    /// Whether the connection was open before.
    was_open: bool,
}

impl Connection {
    /// Applies that a server accepted a call at this time of day.
    pub(crate) fn connected(&mut self, time_of_day: String) {
        self.link = Link::Connected;
        if let Some(last) = &mut self.last_break {
            last.until = Some(time_of_day);
        }
    }

    /// Applies that a call failed with `status` at this time of day, and that the next one is made at `retry_at`. `planned`
    /// says that the server announced it.
    pub(crate) fn disconnected(
        &mut self,
        status: &Status,
        planned: bool,
        retry_at: RetryAt,
        time_of_day: String,
    ) {
        let was_open = self.link == Link::Connected;
        self.link = Link::Waiting(retry_at);
        let what = if planned { "The server is restarting." } else { lost(Cause::of(status)) };
        match &mut self.last_break {
            Some(last) if last.until.is_none() => last.what = what,
            last => *last = Some(Break { since: time_of_day, planned, what, until: None, was_open }),
        }
    }

    /// Returns whether there is a call at the moment.
    pub(crate) fn link(&self) -> Link {
        self.link
    }

    /// Returns since when there is no call, as a time of day, if there was one before.
    pub(crate) fn unknown_since(&self) -> Option<&str> {
        let last = self.last_break.as_ref().filter(|last| last.until.is_none() && last.was_open)?;
        Some(&last.since)
    }

    /// Returns what happened to the connection. It is empty before the first break.
    pub(crate) fn note(&self) -> String {
        let Some(last) = &self.last_break else { return String::new() };
        let Some(until) = &last.until else { return last.what.to_owned() };
        let what = match last {
            Break { planned: true, .. } => "The server restarted",
            Break { was_open: true, .. } => "The connection was lost",
            Break { .. } => "The server could not be reached",
        };
        format!("{what} at {}. Connected again at {until}.", last.since)
    }

    /// Returns when the next call is made, seen at `now`. It is empty while there is a call.
    pub(crate) fn next_call(&self, now: Duration) -> String {
        match self.link {
            Link::Connecting | Link::Connected => String::new(),
            Link::Waiting(RetryAt::Online) => "Connects again when this device is online.".to_owned(),
            Link::Waiting(RetryAt::Time(at)) if at > now => {
                let left = at.saturating_sub(now);
                format!("Connects again in {} s.", left.as_secs() + 1)
            }
            Link::Waiting(RetryAt::Time(_)) => "Connecting …".to_owned(),
            Link::Waiting(_) => "Connects again when this page is visible.".to_owned(),
        }
    }
}

/// Returns what a call failed of that the server did not end by plan.
fn lost(cause: Option<Cause>) -> &'static str {
    match cause {
        Some(Cause::Unreachable { offline: true } | Cause::ConnectionBroke { offline: true }) => {
            "This device is offline."
        }
        Some(Cause::Unreachable { .. }) => "The server cannot be reached.",
        Some(Cause::PageLeft) => "You left this page.",
        Some(_) => "The connection to the server broke.",
        None => "The server cannot take calls at the moment.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn connected() -> Connection {
        let mut connection = Connection::default();
        connection.connected("21:00:00".to_owned());
        connection
    }

    fn disconnect(connection: &mut Connection, planned: bool, at: u64, time_of_day: &str) {
        let status = Status::unavailable("the server is shutting down");
        connection.disconnected(&status, planned, RetryAt::Time(s(at)), time_of_day.to_owned());
    }

    #[test]
    fn an_unbroken_connection_says_nothing() {
        for connection in [Connection::default(), connected()] {
            assert_eq!((connection.note(), connection.next_call(s(1))), (String::new(), String::new()));
            assert_eq!(connection.unknown_since(), None);
        }
    }

    #[test]
    fn a_restart_is_told_from_its_announcement_to_the_next_call() {
        let mut connection = connected();
        disconnect(&mut connection, true, 10, "21:40:12");
        assert_eq!(connection.note(), "The server is restarting.");
        assert_eq!(connection.next_call(s(9)), "Connects again in 2 s.");
        assert_eq!(connection.next_call(s(10)), "Connecting …");
        disconnect(&mut connection, false, 20, "21:40:14");
        assert_eq!(connection.unknown_since(), Some("21:40:12"), "the break began before");
        connection.connected("21:40:15".to_owned());
        assert_eq!(connection.note(), "The server restarted at 21:40:12. Connected again at 21:40:15.");
        assert_eq!((connection.link(), connection.unknown_since()), (Link::Connected, None));
    }

    #[test]
    fn a_failure_is_not_called_a_restart() {
        let mut connection = connected();
        disconnect(&mut connection, false, 10, "21:40:12");
        assert_eq!(connection.note(), "The server cannot take calls at the moment.");
        connection.connected("21:40:15".to_owned());
        assert_eq!(connection.note(), "The connection was lost at 21:40:12. Connected again at 21:40:15.");
    }

    #[test]
    fn a_server_that_is_down_from_the_start_was_not_lost() {
        let mut connection = Connection::default();
        disconnect(&mut connection, false, 10, "21:40:12");
        assert_eq!(connection.unknown_since(), None);
        connection.connected("21:40:15".to_owned());
        let note = "The server could not be reached at 21:40:12. Connected again at 21:40:15.";
        assert_eq!(connection.note(), note);
    }

    #[test]
    fn a_second_break_begins_at_its_own_time() {
        let mut connection = connected();
        disconnect(&mut connection, true, 10, "21:40:12");
        connection.connected("21:40:15".to_owned());
        disconnect(&mut connection, false, 90, "21:50:00");
        assert_eq!(connection.unknown_since(), Some("21:50:00"));
    }

    #[test]
    fn without_network_the_next_call_has_no_time() {
        let mut connection = connected();
        let status = Status::unavailable("");
        connection.disconnected(&status, false, RetryAt::Online, String::new());
        assert_eq!(connection.next_call(s(1)), "Connects again when this device is online.");
        connection.disconnected(&status, false, RetryAt::Visible, String::new());
        assert_eq!(connection.next_call(s(1)), "Connects again when this page is visible.");
    }
}
