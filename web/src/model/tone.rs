//! How something ended, as far as a colour tells it.

use tonic::Code;

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Well, or it still runs.
    Good,
    /// With a failure.
    Bad,
    /// It was ended from outside, or nobody knows.
    Dim,
}

impl Tone {
    /// Returns the tone of an end with this code.
    pub(crate) fn of(code: Code) -> Self {
        match code {
            Code::Ok => Self::Good,
            Code::Cancelled => Self::Dim,
            _ => Self::Bad,
        }
    }

    /// Returns its name, as `data-tone` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Dim => "dim",
        }
    }
}
