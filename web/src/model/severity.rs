//! How a call or a hop ended, as a colour shows it.

use tonic::Code;

/// How a call or a hop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// It succeeded, or still runs.
    Ok,
    /// It failed.
    Error,
    /// It was cancelled, or its end is unknown.
    Neutral,
}

impl Severity {
    /// Returns the severity of a status code.
    pub(crate) fn of(code: Code) -> Self {
        match code {
            Code::Ok => Self::Ok,
            Code::Cancelled => Self::Neutral,
            _ => Self::Error,
        }
    }

    /// Returns the value of `data-severity`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Neutral => "neutral",
        }
    }
}
