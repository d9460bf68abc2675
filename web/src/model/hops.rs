//! A call over two hops, and how it came out, in words.

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

impl Limits {
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
            (Code::DeadlineExceeded, Some(caller), _) if failure.had_no_time_to_retry() => format!(
                "An attempt failed, and your deadline of {} comes before the next one. So this page gave up at once.",
                exact_seconds(caller)
            ),
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
    fn the_deadline_that_was_first_is_named() {
        let late = || Event::Broke(Failure::from(&Status::deadline_exceeded("too late")));
        assert!(told(limits(Some(2_000), Some(500)), late()).contains("child's deadline of 0.5 s"));
        assert!(told(limits(None, Some(500)), late()).contains("child's deadline of 0.5 s"));
        assert!(told(limits(Some(2_000), Some(3_000)), late()).contains("Your deadline of 2 s"));
        assert!(told(limits(Some(2_000), None), late()).contains("on the server first"));
        assert!(told(limits(None, None), late()).contains("out of time"));
    }

    #[test]
    fn a_retry_that_has_no_time_is_told() {
        let words = Failure::no_time_to_retry();
        assert!(told(limits(Some(2_000), None), Event::Broke(words)).contains("comes before the next one"));
    }

    #[test]
    fn other_ends_have_words_too() {
        let unknown = Event::Broke(Failure::from(&Status::not_found("no user mallory")));
        assert!(told(limits(None, None), unknown).contains("nothing by that name"));
        assert!(told(limits(None, None), Event::Cancelled).contains("You cancelled"));
    }
}
