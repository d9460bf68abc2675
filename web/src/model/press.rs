//! What a press does with a call.

use super::State;

/// What the same key, or the same button, does next with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Press {
    /// Opens it for the first time.
    Open,
    /// Cancels it, also while it is still opening.
    Cancel,
    /// Opens it once more, from the start.
    Again,
    /// Opens it once more, after a failure.
    Retry,
}

impl Press {
    /// Returns what comes next in `state`, or without any.
    pub(crate) fn next(state: Option<&State>) -> Self {
        match state {
            None => Self::Open,
            Some(State::Opening | State::Streaming) => Self::Cancel,
            Some(State::Completed | State::Cancelled) => Self::Again,
            Some(State::Failed(_)) => Self::Retry,
        }
    }

    /// Returns the words of a button that does it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Open => "Open stream",
            Self::Cancel => "Cancel",
            Self::Again => "Open again",
            Self::Retry => "Try again",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Failure;

    #[test]
    fn the_same_key_opens_cancels_and_opens_again() {
        assert_eq!(Press::next(None), Press::Open);
        for (state, next) in [
            (State::Opening, Press::Cancel),
            (State::Streaming, Press::Cancel),
            (State::Completed, Press::Again),
            (State::Cancelled, Press::Again),
            (State::Failed(Failure::from(&tonic::Status::not_found("no such user"))), Press::Retry),
        ] {
            assert_eq!(Press::next(Some(&state)), next, "{state:?}");
        }
    }
}
