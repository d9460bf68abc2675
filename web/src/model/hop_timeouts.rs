//! The timeouts of a call over two hops, and its outcome as a sentence.

use std::time::Duration;

use tonic::Code;

use super::call_state::{CallState, Phase};
use super::failure::Failure;
use super::format::exact_seconds;

/// The timeouts of a call to the frontend service, which calls the user service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HopTimeouts {
    /// The timeout of the page's call to the frontend.
    pub(crate) caller: Option<Duration>,
    /// The longest timeout of the frontend's call to the user service.
    pub(crate) child: Option<Duration>,
}

impl HopTimeouts {
    /// Returns how the call ended and which deadline ended it.
    pub(crate) fn outcome(self, call: &CallState) -> String {
        match call.phase() {
            Phase::Opening | Phase::Streaming => "Waiting for the response …".to_owned(),
            Phase::Completed => format!("Found {}.", call.last_message().unwrap_or_default()),
            Phase::Cancelled => {
                "You cancelled the call. The frontend and the lookup stopped with it.".to_owned()
            }
            Phase::Failed(failure) => self.explain(failure),
        }
    }

    fn explain(self, failure: &Failure) -> String {
        let Self { caller, child } = self;
        match (failure.code(), caller, child) {
            (Code::DeadlineExceeded, Some(caller), _) if failure.had_no_time_to_retry() => format!(
                "An attempt failed, and your deadline of {} comes before the next attempt. The call failed at once.",
                exact_seconds(caller)
            ),
            (Code::DeadlineExceeded, Some(caller), _) if failure.is_local() => format!(
                "Your deadline of {} passed. This page cancelled the call, so the frontend and the lookup stopped.",
                exact_seconds(caller)
            ),
            (Code::DeadlineExceeded, caller, Some(child)) if caller.is_none_or(|caller| child < caller) => {
                format!(
                    "The child deadline of {} passed. The lookup stopped, and the frontend returned the error.",
                    exact_seconds(child)
                )
            }
            (Code::DeadlineExceeded, Some(caller), _) => format!(
                "Your deadline of {} passed on the server, which ended the call and the lookup.",
                exact_seconds(caller)
            ),
            _ => failure.explanation().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::call_state::CallEvent;
    use super::*;
    use tonic::Status;

    const fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    fn timeouts(caller: Option<u64>, child: Option<u64>) -> HopTimeouts {
        HopTimeouts { caller: caller.map(ms), child: child.map(ms) }
    }

    fn outcome(timeouts: HopTimeouts, end: CallEvent) -> String {
        let mut call = CallState::start(ms(0), timeouts.caller);
        call.apply(end, ms(1));
        timeouts.outcome(&call)
    }

    #[test]
    fn the_outcome_names_the_deadline_that_passed_first() {
        let late = || CallEvent::Failed(Failure::from(&Status::deadline_exceeded("too late")));
        assert!(outcome(timeouts(Some(2_000), Some(500)), late()).contains("child deadline of 0.5 s"));
        assert!(outcome(timeouts(None, Some(500)), late()).contains("child deadline of 0.5 s"));
        assert!(outcome(timeouts(Some(2_000), Some(3_000)), late()).contains("Your deadline of 2 s"));
        assert!(outcome(timeouts(Some(2_000), None), late()).contains("passed on the server"));
        assert_eq!(outcome(timeouts(None, None), late()), "The deadline passed on the server.");
    }

    #[test]
    fn the_outcome_says_that_there_was_no_time_to_retry() {
        let failure = CallEvent::Failed(Failure::no_time_to_retry());
        assert!(outcome(timeouts(Some(2_000), None), failure).contains("comes before the next attempt"));
    }

    #[test]
    fn other_ends_are_explained_too() {
        let unknown = CallEvent::Failed(Failure::from(&Status::not_found("no user mallory")));
        assert!(outcome(timeouts(None, None), unknown).contains("nothing with this name"));
        assert!(outcome(timeouts(None, None), CallEvent::Cancelled).contains("You cancelled"));
    }
}
