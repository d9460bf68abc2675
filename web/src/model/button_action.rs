//! What a call's button does.

use super::call_state::Phase;

/// What a call's button, or its key entered again, does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ButtonAction {
    /// Opens the call for the first time.
    Open,
    /// Cancels the open call.
    Cancel,
    /// Opens the call again after it completed or was cancelled.
    OpenAgain,
    /// Opens the call again after a failure. A stream that does work is not repeated without being asked.
    Retry,
}

impl ButtonAction {
    /// Returns the action for a call in this phase. `None` means that there was no call yet.
    pub(crate) fn next(phase: Option<&Phase>) -> Self {
        match phase {
            None => Self::Open,
            Some(Phase::Opening | Phase::Streaming) => Self::Cancel,
            Some(Phase::Completed | Phase::Cancelled) => Self::OpenAgain,
            Some(Phase::Failed(_)) => Self::Retry,
        }
    }

    /// Returns the button's label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Open => "Open stream",
            Self::Cancel => "Cancel",
            Self::OpenAgain => "Open again",
            Self::Retry => "Start again",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::failure::Failure;
    use super::*;

    #[test]
    fn the_button_opens_cancels_and_opens_again() {
        assert_eq!(ButtonAction::next(None), ButtonAction::Open);
        for (phase, action) in [
            (Phase::Opening, ButtonAction::Cancel),
            (Phase::Streaming, ButtonAction::Cancel),
            (Phase::Completed, ButtonAction::OpenAgain),
            (Phase::Cancelled, ButtonAction::OpenAgain),
            (Phase::Failed(Failure::from(&tonic::Status::not_found("no such user"))), ButtonAction::Retry),
        ] {
            assert_eq!(ButtonAction::next(Some(&phase)), action, "{phase:?}");
        }
    }
}
