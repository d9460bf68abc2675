//! The state of one call as a view shows it: a pure state machine.

use std::ops::Range;
use std::time::Duration;

use tonic::Code;

use super::failure::Failure;

/// How many messages of a call are kept, so that an endless stream does not grow the page without end.
pub(crate) const MAX_MESSAGES: usize = 100;

/// The phase of a call. The last three are final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The request was sent, and no response has arrived.
    Opening,
    /// The server has accepted the call, and messages may arrive.
    Streaming,
    /// The server ended the call with OK.
    Completed,
    /// The user cancelled the call.
    Cancelled,
    /// The call ended with an error.
    Failed(Failure),
}

impl Phase {
    /// Returns the name that the page shows, which is also the value of `data-state`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Streaming => "streaming",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed(_) => "failed",
        }
    }

    /// Returns whether the call is open.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Opening | Self::Streaming)
    }
}

/// An event of a call.
#[derive(Clone, Debug)]
pub(crate) enum CallEvent {
    /// The server accepted the call.
    Accepted,
    /// A message arrived. The text is what the page shows of it.
    Message(String),
    /// The server ended the call with OK.
    Completed,
    /// The call ended with an error.
    Failed(Failure),
    /// The user cancelled the call.
    Cancelled,
}

/// One call from its start to its end. Times are readings of the page's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallState {
    phase: Phase,
    messages: Vec<String>,
    received: usize,
    started: Duration,
    timeout: Option<Duration>,
    ended: Option<Duration>,
}

impl CallState {
    /// Creates the state of a call that is sent `now`.
    pub(crate) fn start(now: Duration, timeout: Option<Duration>) -> Self {
        Self { phase: Phase::Opening, messages: Vec::new(), received: 0, started: now, timeout, ended: None }
    }

    /// Applies an event that happened `now`. Events after the end change nothing, such as a message that was in flight
    /// when the user cancelled.
    pub(crate) fn apply(&mut self, event: CallEvent, now: Duration) {
        if !self.is_open() {
            return;
        }
        self.phase = match event {
            CallEvent::Accepted => Phase::Streaming,
            CallEvent::Message(message) => {
                self.received += 1;
                if self.messages.len() == MAX_MESSAGES {
                    self.messages.remove(0);
                }
                self.messages.push(message);
                Phase::Streaming
            }
            CallEvent::Completed => Phase::Completed,
            CallEvent::Failed(failure) => Phase::Failed(failure),
            CallEvent::Cancelled => Phase::Cancelled,
        };
        if !self.is_open() {
            self.ended = Some(now);
        }
    }

    /// Returns the phase.
    pub(crate) fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Returns whether the call is open.
    pub(crate) fn is_open(&self) -> bool {
        self.phase.is_open()
    }

    /// Returns why the call failed, if it did.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        if let Phase::Failed(failure) = &self.phase { Some(failure) } else { None }
    }

    /// Returns how many messages arrived, including those that are no longer kept.
    pub(crate) fn received(&self) -> usize {
        self.received
    }

    /// Returns the last message.
    pub(crate) fn last_message(&self) -> Option<&str> {
        self.messages.last().map(String::as_str)
    }

    /// Returns the numbers of the kept messages, oldest first. The first message of a call has number 0.
    pub(crate) fn message_numbers(&self) -> Range<usize> {
        self.received - self.messages.len()..self.received
    }

    /// Returns the message with this number, if it is kept.
    pub(crate) fn message(&self, number: usize) -> Option<&str> {
        let index = number.checked_sub(self.message_numbers().start)?;
        self.messages.get(index).map(String::as_str)
    }

    /// Returns the time from the start of the call to its end, or to `now` while it is open.
    pub(crate) fn elapsed(&self, now: Duration) -> Duration {
        self.ended.unwrap_or(now).saturating_sub(self.started)
    }

    /// Returns the timeout of the call.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Returns the time from `now` to the deadline, or from the end of the call to the deadline.
    pub(crate) fn remaining(&self, now: Duration) -> Option<Duration> {
        self.timeout.map(|timeout| timeout.saturating_sub(self.elapsed(now)))
    }

    /// Returns how the call ended, as a label in front of the elapsed time, or `None` while it is open. `completed` is the
    /// label for OK.
    pub(crate) fn end_label(&self, completed: &'static str) -> Option<&'static str> {
        match &self.phase {
            Phase::Opening | Phase::Streaming => None,
            Phase::Completed => Some(completed),
            Phase::Cancelled => Some("Cancelled after"),
            Phase::Failed(failure) if failure.code() == Code::DeadlineExceeded => {
                Some("Deadline exceeded after")
            }
            Phase::Failed(_) => Some("Failed after"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn failure() -> Failure {
        Failure::from(&tonic::Status::not_found("no such user"))
    }

    /// Returns a call to which one of these events happened each second.
    fn after(events: impl IntoIterator<Item = CallEvent>) -> CallState {
        let mut call = CallState::start(s(0), None);
        for (event, now) in events.into_iter().zip(1..) {
            call.apply(event, s(now));
        }
        call
    }

    #[test]
    fn a_call_opens_streams_and_completes() {
        let mut call = CallState::start(s(5), None);
        assert_eq!(call.phase(), &Phase::Opening);
        call.apply(CallEvent::Accepted, s(6));
        assert_eq!(call.phase(), &Phase::Streaming);
        call.apply(CallEvent::Message("one".to_owned()), s(7));
        call.apply(CallEvent::Completed, s(8));
        assert_eq!(call.phase(), &Phase::Completed);
        assert_eq!(call.last_message(), Some("one"));
        assert_eq!(call.elapsed(s(99)), s(3), "the elapsed time stops at the end");
    }

    #[test]
    fn a_call_can_be_cancelled_while_it_opens() {
        assert_eq!(after([CallEvent::Cancelled]).phase(), &Phase::Cancelled);
    }

    #[test]
    fn a_message_implies_that_the_server_accepted_the_call() {
        assert_eq!(after([CallEvent::Message(String::new())]).phase(), &Phase::Streaming);
    }

    #[test]
    fn elapsed_time_grows_while_a_call_is_open() {
        assert_eq!(after([CallEvent::Accepted]).elapsed(s(9)), s(9));
    }

    #[test]
    fn only_a_failed_call_has_a_failure() {
        assert_eq!(after([CallEvent::Failed(failure())]).failure(), Some(&failure()));
        assert_eq!(after([CallEvent::Cancelled]).failure(), None);
    }

    #[test]
    fn the_newest_messages_are_kept_with_their_numbers() {
        let call = after((1..=MAX_MESSAGES + 2).map(|n| CallEvent::Message(n.to_string())));
        assert_eq!(call.message_numbers(), 2..MAX_MESSAGES + 2);
        assert_eq!((call.message(1), call.message(2)), (None, Some("3")));
        assert_eq!(call.last_message(), call.message(MAX_MESSAGES + 1));
        assert_eq!(call.message(MAX_MESSAGES + 2), None);
        assert_eq!(call.received(), MAX_MESSAGES + 2);
    }

    #[test]
    fn the_remaining_time_counts_down_from_the_timeout_and_stops_with_the_call() {
        let mut call = CallState::start(s(10), Some(s(5)));
        assert_eq!(call.remaining(s(12)), Some(s(3)));
        assert_eq!(call.remaining(s(99)), Some(s(0)));
        call.apply(CallEvent::Completed, s(14));
        assert_eq!(call.remaining(s(99)), Some(s(1)));
        assert_eq!(after([]).remaining(s(1)), None);
    }

    #[test]
    fn the_label_names_how_a_call_ended() {
        let label = |events: Vec<CallEvent>| after(events).end_label("Completed after");
        let late = Failure::from(&tonic::Status::deadline_exceeded("too late"));
        assert_eq!(label(vec![CallEvent::Accepted]), None);
        assert_eq!(label(vec![CallEvent::Completed]), Some("Completed after"));
        assert_eq!(label(vec![CallEvent::Cancelled]), Some("Cancelled after"));
        assert_eq!(label(vec![CallEvent::Failed(late)]), Some("Deadline exceeded after"));
        assert_eq!(label(vec![CallEvent::Failed(failure())]), Some("Failed after"));
    }

    fn any_event() -> impl Strategy<Value = CallEvent> {
        prop_oneof![
            Just(CallEvent::Accepted),
            ".{0,3}".prop_map(CallEvent::Message),
            Just(CallEvent::Completed),
            Just(CallEvent::Failed(failure())),
            Just(CallEvent::Cancelled),
        ]
    }

    proptest! {
        #[test]
        fn no_event_changes_a_call_that_has_ended(
            before in proptest::collection::vec(any_event(), 0..8),
            later in proptest::collection::vec(any_event(), 0..8),
        ) {
            let mut call = after(before);
            call.apply(CallEvent::Completed, s(50));
            let end = call.clone();
            for event in later {
                call.apply(event, s(60));
            }
            prop_assert_eq!(call, end);
        }
    }
}
