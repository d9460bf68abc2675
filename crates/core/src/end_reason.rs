//! Why a call ended.

use std::fmt;
use std::time::Duration;

use tonic::{Code, Status};

use crate::{Timeout, code_name};

/// Why a call ended, as the server that served it saw it. A call has exactly one end reason: the first that is recorded.
///
/// Its text form is for logs and lists. [`EndReason::status`] is what the caller receives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The handler ended the call with this code, and its whole response was passed to the connection.
    Completed(Code),
    /// The deadline passed.
    DeadlineExceeded {
        /// The timeout that the call was granted at its start.
        granted: Timeout,
    },
    /// The caller stopped sending its request before the end of it. Only gRPC-Web requests are limited.
    RequestStalled {
        /// How long nothing of the request came.
        after: Duration,
    },
    /// The caller stopped reading the response, and did not disconnect.
    ReaderStalled {
        /// How long nothing of the response could be sent.
        after: Duration,
    },
    /// The caller disconnected or reset the stream before the response was complete.
    ClientGone,
    /// The handler cancelled the call, with this status message.
    CancelledByHandler(String),
    /// An operator of the server cancelled the call, with this status message.
    CancelledByOperator(String),
    /// The server shut down before the call was complete.
    Draining,
    /// The call was open for as long as the server keeps any call.
    MaxDuration {
        /// How long that is for this call.
        after: Duration,
    },
    /// The handler panicked.
    Panicked,
    /// The upstream server failed the call without a gRPC status, for example by closing the connection.
    UpstreamFailed {
        /// The code that the caller receives.
        code: Code,
        /// The status message that the caller receives.
        message: String,
        /// The address and the error of the upstream, which the caller does not receive.
        cause: Option<String>,
    },
}

impl EndReason {
    /// Returns the status that the server sends to end a call for this reason.
    ///
    /// Returns `None` if the server sends none: the handler has sent its own, or the caller has disconnected or does not read.
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::Completed(_) | Self::ClientGone | Self::ReaderStalled { .. } => None,
            Self::RequestStalled { after } => {
                Some(Status::deadline_exceeded(format!("nothing of the request came for {after:?}")))
            }
            Self::DeadlineExceeded { granted } => Some(Status::deadline_exceeded(format!(
                "the call did not end within {:?}",
                granted.duration()
            ))),
            Self::CancelledByHandler(message) | Self::CancelledByOperator(message) => {
                Some(Status::cancelled(message.clone()))
            }
            Self::Draining => Some(Status::unavailable("the server is shutting down")),
            Self::MaxDuration { after } => Some(Status::unavailable(format!(
                "the call was open for {after:?}, which is as long as this server keeps a call; call again"
            ))),
            Self::Panicked => {
                Some(Status::internal("the handler panicked; the server's log has the details"))
            }
            Self::UpstreamFailed { code, message, .. } => Some(Status::new(*code, message.clone())),
        }
    }

    /// Returns the status message of a call that was cancelled or whose upstream failed, and `None` for the other
    /// reasons, whose message is always the same.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::CancelledByHandler(message)
            | Self::CancelledByOperator(message)
            | Self::UpstreamFailed { message, .. } => Some(message),
            _ => None,
        }
    }

    /// Returns what the operator of the server learns of a failed upstream in addition to the message: its address, and the error.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::UpstreamFailed { cause, .. } => cause.as_deref(),
            _ => None,
        }
    }

    /// Returns the status code of the call: the handler's own, or that of [`EndReason::status`]. It is
    /// [`Code::Cancelled`] for a caller that disconnected or does not read, which is also what the caller's side reports.
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
            Self::RequestStalled { .. } => f.write_str("request stalled"),
            Self::ReaderStalled { .. } => f.write_str("reader stalled"),
            Self::ClientGone => f.write_str("client gone"),
            Self::CancelledByHandler(_) => f.write_str("cancelled by the handler"),
            Self::CancelledByOperator(_) => f.write_str("cancelled by an operator"),
            Self::Draining => f.write_str("draining"),
            Self::MaxDuration { .. } => f.write_str("maximum duration"),
            Self::Panicked => f.write_str("panicked"),
            Self::UpstreamFailed { .. } => f.write_str("upstream failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_code() {
        let message = || "enough".to_owned();
        for (reason, code) in [
            (EndReason::Completed(Code::NotFound), Code::NotFound),
            (EndReason::DeadlineExceeded { granted: Duration::from_secs(1).into() }, Code::DeadlineExceeded),
            (EndReason::RequestStalled { after: Duration::from_secs(60) }, Code::DeadlineExceeded),
            (EndReason::ReaderStalled { after: Duration::from_secs(120) }, Code::Cancelled),
            (EndReason::ClientGone, Code::Cancelled),
            (EndReason::CancelledByHandler(message()), Code::Cancelled),
            (EndReason::CancelledByOperator(message()), Code::Cancelled),
            (EndReason::Draining, Code::Unavailable),
            (EndReason::MaxDuration { after: Duration::from_secs(60) }, Code::Unavailable),
            (EndReason::Panicked, Code::Internal),
            (
                EndReason::UpstreamFailed { code: Code::Internal, message: message(), cause: None },
                Code::Internal,
            ),
        ] {
            assert_eq!(reason.code(), code, "{reason}");
        }
    }

    #[test]
    fn a_deadline_status_names_the_granted_timeout() {
        let status = EndReason::DeadlineExceeded { granted: Duration::from_millis(250).into() }.status();
        assert!(status.unwrap().message().contains("250ms"));
    }

    #[test]
    fn the_callers_status_has_the_handlers_message() {
        let status = EndReason::CancelledByHandler("out of stock".to_owned()).status();
        assert_eq!(status.unwrap().message(), "out of stock");
    }
}
