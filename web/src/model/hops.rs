//! A call over two hops, what each was given, and how it came out, in words.

use std::time::Duration;

use tonic::Code;

use super::words::exact_seconds;
use super::{Failure, Life, State};

/// The limits of a call to the frontend, which calls the user service in turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// What this page gives the whole call.
    pub(crate) caller: Option<Duration>,
    /// The most that the frontend gives its own call.
    pub(crate) child: Option<Duration>,
}

/// How much time a hop was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// No deadline.
    Unlimited,
    /// This much, as the hop itself told, or as this page decided.
    Exactly(Duration),
    /// No more than this. The hop did not live to tell.
    AtMost(Duration),
    /// Nothing is known.
    Unknown,
}

impl Given {
    /// Returns what a hop told, in milliseconds.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "negative times are zero")]
    pub(crate) fn told(milliseconds: Option<f64>) -> Self {
        milliseconds
            .map_or(Self::Unlimited, |told| Self::Exactly(Duration::from_micros((told * 1000.0) as u64)))
    }

    /// Returns the time, as far as it is known.
    pub(crate) fn time(self) -> Option<Duration> {
        match self {
            Self::Exactly(time) | Self::AtMost(time) => Some(time),
            Self::Unlimited | Self::Unknown => None,
        }
    }

    /// Returns it in words, to the millisecond, so that what each hop takes away can be seen.
    pub(crate) fn words(self) -> String {
        let written = |time: Duration| format!("{}.{:03} s", time.as_secs(), time.subsec_millis());
        match self {
            Self::Unlimited => "no deadline".to_owned(),
            Self::Exactly(time) => written(time),
            Self::AtMost(time) => format!("at most {}", written(time)),
            Self::Unknown => "not told".to_owned(),
        }
    }
}

impl Limits {
    /// Returns what is known, without an answer, of the time that page, frontend and user service were given.
    pub(crate) fn given(self) -> [Given; 3] {
        let at_most = |time: Option<Duration>| time.map_or(Given::Unknown, Given::AtMost);
        let least = self.caller.into_iter().chain(self.child).min();
        [self.caller.map_or(Given::Unlimited, Given::Exactly), at_most(self.caller), at_most(least)]
    }

    /// Tells how the call came out, in a sentence or two.
    pub(crate) fn outcome(self, life: &Life) -> String {
        match life.state() {
            State::Opening | State::Streaming => "The call is on its way.".to_owned(),
            State::Completed => format!("{} was found in time.", life.last().unwrap_or_default()),
            State::Cancelled => "You cancelled the call. The frontend and the lookup end with it.".to_owned(),
            State::Failed(failure) => self.failed(failure),
        }
    }

    fn failed(self, failure: &Failure) -> String {
        let Self { caller, child } = self;
        match (failure.code(), caller, child) {
            (Code::DeadlineExceeded, Some(caller), _) if failure.is_local() => format!(
                "Your deadline of {} passed. This page dropped the call; the frontend and the lookup end with it.",
                exact_seconds(caller)
            ),
            (Code::DeadlineExceeded, caller, Some(child)) if caller.is_none_or(|caller| child < caller) => {
                format!(
                    "The child's deadline of {} passed. The lookup was stopped, and the frontend passed that on.",
                    exact_seconds(child)
                )
            }
            (Code::DeadlineExceeded, Some(caller), _) => format!(
                "Your deadline of {} passed on the server first, which ended the call and the lookup.",
                exact_seconds(caller)
            ),
            _ => failure.words().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Event;
    use tonic::Status;

    const fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    fn limits(caller: Option<u64>, child: Option<u64>) -> Limits {
        Limits { caller: caller.map(ms), child: child.map(ms) }
    }

    fn told(limits: Limits, end: Event) -> String {
        let mut life = Life::begin(ms(0), limits.caller);
        life.apply(end, ms(1));
        limits.outcome(&life)
    }

    #[test]
    fn without_an_answer_a_hop_got_no_more_than_the_least_limit_before_it() {
        let given = |caller, child| limits(caller, child).given().map(Given::words);
        assert_eq!(given(Some(2_000), Some(500)), ["2.000 s", "at most 2.000 s", "at most 0.500 s"]);
        assert_eq!(given(Some(2_000), Some(3_000)), ["2.000 s", "at most 2.000 s", "at most 2.000 s"]);
        assert_eq!(given(None, Some(500)), ["no deadline", "not told", "at most 0.500 s"]);
    }

    #[test]
    fn what_a_hop_told_is_shown_to_the_millisecond() {
        assert_eq!(Given::told(Some(1_998.7)).words(), "1.998 s");
        assert_eq!(Given::told(Some(-1.0)).words(), "0.000 s");
        assert_eq!(Given::told(None).words(), "no deadline");
    }

    #[test]
    fn the_deadline_that_was_first_is_named() {
        let late = || Event::Broke(Failure::from(&Status::deadline_exceeded("too late")));
        assert!(told(limits(Some(2_000), Some(500)), late()).contains("child's deadline of 0.5 s"));
        assert!(told(limits(None, Some(500)), late()).contains("child's deadline of 0.5 s"));
        assert!(told(limits(Some(2_000), Some(3_000)), late()).contains("Your deadline of 2 s"));
        assert!(told(limits(Some(2_000), None), late()).contains("on the server first"));
        assert!(told(limits(None, None), late()).contains("out of time"));
    }

    #[test]
    fn other_ends_have_words_too() {
        let unknown = Event::Broke(Failure::from(&Status::not_found("no user mallory")));
        assert!(told(limits(None, None), unknown).contains("nothing by that name"));
        assert!(told(limits(None, None), Event::Cancelled).contains("You cancelled"));
    }
}
