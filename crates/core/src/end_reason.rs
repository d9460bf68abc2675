//! Why a call ended.

use std::fmt;

use tonic::{Code, Status};

use crate::Timeout;

/// Why a call ended, as the server that served it saw it. A call has exactly one; the first to be recorded stands.
///
/// Its text form is what logs and lists show. [`EndReason::status`] is what the call's peer is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The handler ended the call itself, with this code; its whole answer was handed to the connection.
    Completed(Code),
    /// The time that was granted is up.
    DeadlineExceeded {
        /// The whole time that the call was granted, from its start.
        granted: Timeout,
    },
    /// The caller went away, or reset the stream, before the answer was complete.
    ClientGone,
    /// The handler cancelled the call, with these words.
    CancelledByHandler(String),
    /// An operator of the server cancelled the call, with these words.
    CancelledByOperator(String),
    /// The server is about to end and could not wait any longer for the call.
    Draining,
    /// The handler panicked.
    Panicked,
    /// The upstream server failed the call in a way that is no gRPC status.
    UpstreamFailed {
        /// What that means in gRPC.
        code: Code,
        /// What happened, in words for the caller.
        words: String,
    },
}

impl EndReason {
    /// Returns the status that ends a call for this reason, or `None` when there is nothing to add: the handler has
    /// sent its own, or nobody is left to read one.
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::Completed(_) | Self::ClientGone => None,
            Self::DeadlineExceeded { granted } => Some(Status::deadline_exceeded(format!(
                "the call did not end within {:?}",
                granted.duration()
            ))),
            Self::CancelledByHandler(words) | Self::CancelledByOperator(words) => {
                Some(Status::cancelled(words.clone()))
            }
            Self::Draining => Some(Status::unavailable("the server is shutting down")),
            Self::Panicked => {
                Some(Status::internal("the handler panicked; the server's log has the details"))
            }
            Self::UpstreamFailed { code, words } => Some(Status::new(*code, words.clone())),
        }
    }

    /// Returns what whoever ended the call had to say, where that is not clear from the reason.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::CancelledByHandler(words)
            | Self::CancelledByOperator(words)
            | Self::UpstreamFailed { words, .. } => Some(words),
            _ => None,
        }
    }

    /// Returns the code of the call's end: the handler's own, or that of [`EndReason::status`]. A caller that went
    /// away counts as [`Code::Cancelled`], which is what its own side reports.
    pub fn code(&self) -> Code {
        match self {
            Self::Completed(code) => *code,
            _ => self.status().map_or(Code::Cancelled, |status| status.code()),
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed(Code::Ok) => f.write_str("completed"),
            Self::Completed(code) => write!(f, "completed with {}", code_name(*code)),
            Self::DeadlineExceeded { .. } => f.write_str("deadline exceeded"),
            Self::ClientGone => f.write_str("client gone"),
            Self::CancelledByHandler(_) => f.write_str("cancelled by the handler"),
            Self::CancelledByOperator(_) => f.write_str("cancelled by an operator"),
            Self::Draining => f.write_str("draining"),
            Self::Panicked => f.write_str("panicked"),
            Self::UpstreamFailed { .. } => f.write_str("upstream failed"),
        }
    }
}

/// Returns a code's name as the gRPC specification writes it, such as `NOT_FOUND`.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_reason_has_its_code() {
        let words = || "enough".to_owned();
        for (reason, code) in [
            (EndReason::Completed(Code::NotFound), Code::NotFound),
            (EndReason::DeadlineExceeded { granted: Duration::from_secs(1).into() }, Code::DeadlineExceeded),
            (EndReason::ClientGone, Code::Cancelled),
            (EndReason::CancelledByHandler(words()), Code::Cancelled),
            (EndReason::CancelledByOperator(words()), Code::Cancelled),
            (EndReason::Draining, Code::Unavailable),
            (EndReason::Panicked, Code::Internal),
            (EndReason::UpstreamFailed { code: Code::Internal, words: words() }, Code::Internal),
        ] {
            assert_eq!(reason.code(), code, "{reason}");
        }
    }

    #[test]
    fn a_deadline_tells_the_time_that_was_granted() {
        let status = EndReason::DeadlineExceeded { granted: Duration::from_millis(250).into() }.status();
        assert!(status.unwrap().message().contains("250ms"));
    }

    #[test]
    fn a_handlers_words_reach_the_caller() {
        let status = EndReason::CancelledByHandler("out of stock".to_owned()).status();
        assert_eq!(status.unwrap().message(), "out of stock");
    }
}
