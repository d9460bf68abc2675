//! The life of one call, as a view shows it: a pure state machine without clock, network or DOM.

use std::ops::Range;
use std::time::Duration;

use tonic::Code;

use super::Failure;

/// How many messages of one call are kept. A stream without end must not grow the page without end.
pub(crate) const KEPT: usize = 100;

/// Where a call stands. The last three are ends: nothing changes a call that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It was sent, and the server has not answered yet.
    Opening,
    /// The server has accepted it; messages may come.
    Streaming,
    /// The server ended it well.
    Completed,
    /// The user cancelled it.
    Cancelled,
    /// Something else ended it.
    Failed(Failure),
}

impl State {
    /// Returns its name, which is also its word.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Streaming => "streaming",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed(_) => "failed",
        }
    }

    /// Tells whether a call in this state is still open.
    pub(crate) fn runs(&self) -> bool {
        matches!(self, Self::Opening | Self::Streaming)
    }
}

/// What happens to a call.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The server accepted it.
    Opened,
    /// A message came, in these words.
    Arrived(String),
    /// The server ended it well.
    Ended,
    /// It was ended by something else.
    Broke(Failure),
    /// The user cancelled it.
    Cancelled,
}

/// One call from its opening to its end. Times are readings of the page's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    state: State,
    messages: Vec<String>,
    received: usize,
    began: Duration,
    granted: Option<Duration>,
    ended: Option<Duration>,
}

impl Life {
    /// Begins the life of a call that is sent `now`, and that may take the time `granted`.
    pub(crate) fn begin(now: Duration, granted: Option<Duration>) -> Self {
        Self { state: State::Opening, messages: Vec::new(), received: 0, began: now, granted, ended: None }
    }

    /// Takes in what happened `now`. What comes after the end, such as a message that was already on its way when
    /// the user cancelled, changes nothing.
    pub(crate) fn apply(&mut self, event: Event, now: Duration) {
        if !self.runs() {
            return;
        }
        self.state = match event {
            Event::Opened => State::Streaming,
            Event::Arrived(message) => {
                self.received += 1;
                if self.messages.len() == KEPT {
                    self.messages.remove(0);
                }
                self.messages.push(message);
                State::Streaming
            }
            Event::Ended => State::Completed,
            Event::Broke(failure) => State::Failed(failure),
            Event::Cancelled => State::Cancelled,
        };
        if !self.runs() {
            self.ended = Some(now);
        }
    }

    /// Returns where the call stands.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Tells whether the call is still open.
    pub(crate) fn runs(&self) -> bool {
        self.state.runs()
    }

    /// Returns why the call failed, if it did.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        if let State::Failed(failure) = &self.state { Some(failure) } else { None }
    }

    /// Returns how many messages came, those that are no longer kept included.
    pub(crate) fn received(&self) -> usize {
        self.received
    }

    /// Returns the last message.
    pub(crate) fn last(&self) -> Option<&str> {
        self.messages.last().map(String::as_str)
    }

    /// Returns the numbers of the kept messages, oldest first; the first of a call has number 0.
    pub(crate) fn numbers(&self) -> Range<usize> {
        self.received - self.messages.len()..self.received
    }

    /// Returns the message of this number, if it is kept.
    pub(crate) fn message(&self, number: usize) -> Option<&str> {
        let place = number.checked_sub(self.numbers().start)?;
        self.messages.get(place).map(String::as_str)
    }

    /// Returns how long the call has taken at `now`, or took until its end.
    pub(crate) fn elapsed(&self, now: Duration) -> Duration {
        self.ended.unwrap_or(now).saturating_sub(self.began)
    }

    /// Returns the whole time that the call may take, if it has a deadline.
    pub(crate) fn granted(&self) -> Option<Duration> {
        self.granted
    }

    /// Returns how much of that is left at `now`, or was left at its end.
    pub(crate) fn remaining(&self, now: Duration) -> Option<Duration> {
        self.granted.map(|granted| granted.saturating_sub(self.elapsed(now)))
    }

    /// Says what ended the call, to be followed by a time. Nothing while it runs. `completed` is how its good end is
    /// called.
    pub(crate) fn ended_by(&self, completed: &'static str) -> Option<&'static str> {
        match &self.state {
            State::Opening | State::Streaming => None,
            State::Completed => Some(completed),
            State::Cancelled => Some("You cancelled it after"),
            State::Failed(failure) if failure.code() == Code::DeadlineExceeded => {
                Some("A deadline ended it after")
            }
            State::Failed(_) => Some("It failed after"),
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

    fn lived(events: impl IntoIterator<Item = Event>) -> Life {
        let mut life = Life::begin(s(0), None);
        for (event, now) in events.into_iter().zip(1..) {
            life.apply(event, s(now));
        }
        life
    }

    #[test]
    fn a_call_opens_streams_and_completes() {
        let mut life = Life::begin(s(5), None);
        assert_eq!(life.state(), &State::Opening);
        life.apply(Event::Opened, s(6));
        assert_eq!(life.state(), &State::Streaming);
        life.apply(Event::Arrived("one".to_owned()), s(7));
        life.apply(Event::Ended, s(8));
        assert_eq!(life.state(), &State::Completed);
        assert_eq!(life.last(), Some("one"));
        assert_eq!(life.elapsed(s(99)), s(3), "the clock of a call stops at its end");
    }

    #[test]
    fn a_call_can_be_cancelled_while_it_opens() {
        assert_eq!(lived([Event::Cancelled]).state(), &State::Cancelled);
    }

    #[test]
    fn a_message_alone_shows_that_the_server_has_accepted() {
        assert_eq!(lived([Event::Arrived(String::new())]).state(), &State::Streaming);
    }

    #[test]
    fn elapsed_time_grows_while_a_call_runs() {
        assert_eq!(lived([Event::Opened]).elapsed(s(9)), s(9));
    }

    #[test]
    fn only_a_failed_call_has_a_failure() {
        assert_eq!(lived([Event::Broke(failure())]).failure(), Some(&failure()));
        assert_eq!(lived([Event::Cancelled]).failure(), None);
    }

    #[test]
    fn the_newest_messages_are_kept_with_their_numbers() {
        let life = lived((1..=KEPT + 2).map(|n| Event::Arrived(n.to_string())));
        assert_eq!(life.numbers(), 2..KEPT + 2);
        assert_eq!((life.message(1), life.message(2)), (None, Some("3")));
        assert_eq!(life.last(), life.message(KEPT + 1));
        assert_eq!(life.message(KEPT + 2), None);
        assert_eq!(life.received(), KEPT + 2);
    }

    #[test]
    fn a_countdown_runs_from_what_was_granted_and_stops_with_the_call() {
        let mut life = Life::begin(s(10), Some(s(5)));
        assert_eq!(life.remaining(s(12)), Some(s(3)));
        assert_eq!(life.remaining(s(99)), Some(s(0)));
        life.apply(Event::Ended, s(14));
        assert_eq!(life.remaining(s(99)), Some(s(1)));
        assert_eq!(lived([]).remaining(s(1)), None);
    }

    #[test]
    fn what_ended_a_call_is_said() {
        let said = |events: Vec<Event>| lived(events).ended_by("The server ended it after");
        let late = Failure::from(&tonic::Status::deadline_exceeded("too late"));
        assert_eq!(said(vec![Event::Opened]), None);
        assert_eq!(said(vec![Event::Ended]), Some("The server ended it after"));
        assert_eq!(said(vec![Event::Cancelled]), Some("You cancelled it after"));
        assert_eq!(said(vec![Event::Broke(late)]), Some("A deadline ended it after"));
        assert_eq!(said(vec![Event::Broke(failure())]), Some("It failed after"));
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::Opened),
            ".{0,3}".prop_map(Event::Arrived),
            Just(Event::Ended),
            Just(Event::Broke(failure())),
            Just(Event::Cancelled),
        ]
    }

    proptest! {
        #[test]
        fn nothing_changes_a_call_that_has_ended(
            before in proptest::collection::vec(any_event(), 0..8),
            after in proptest::collection::vec(any_event(), 0..8),
        ) {
            let mut life = lived(before);
            life.apply(Event::Ended, s(50));
            let end = life.clone();
            for event in after {
                life.apply(event, s(60));
            }
            prop_assert_eq!(life, end);
        }
    }
}
