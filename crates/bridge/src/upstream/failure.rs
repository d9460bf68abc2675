//! What is said of an upstream that fails a call in a way that is no gRPC status.

use drawbridge_core::{EndReason, code_of_http};
use h2::Reason;
use http::StatusCode;
use tonic::{Code, Status};

/// Why an upstream failed a call: the code and the message that the caller gets.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) code: Code,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self { code: Code::Unavailable, message: message.into() }
    }

    pub(super) fn exhausted(message: impl Into<String>) -> Self {
        Self { code: Code::ResourceExhausted, message: message.into() }
    }

    /// Returns what an error of HTTP/2 means for the call that met it. Codes of resets are mapped as
    /// [gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md) says.
    pub(super) fn of_h2(authority: &str, error: &h2::Error) -> Self {
        let reason = error.reason();
        if error.is_reset() && error.is_remote() {
            let reason = reason.unwrap_or(Reason::INTERNAL_ERROR);
            let code = match reason {
                Reason::REFUSED_STREAM => Code::Unavailable,
                Reason::CANCEL => Code::Cancelled,
                Reason::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
                Reason::INADEQUATE_SECURITY => Code::PermissionDenied,
                _ => Code::Internal,
            };
            return Self { code, message: format!("the upstream {authority} reset the call: {reason}") };
        }
        let message = if let Some(error) = error.get_io() {
            format!("the connection to the upstream {authority} was lost: {error}")
        } else if error.is_go_away() && error.is_remote() {
            format!("the upstream {authority} closed the connection: {error}")
        } else {
            format!("the upstream {authority} does not keep to HTTP/2: {error}")
        };
        Self::unavailable(message)
    }

    /// Returns what an answer means that is no gRPC answer, by its HTTP status.
    pub(super) fn of_http(authority: &str, status: StatusCode) -> Self {
        let message =
            format!("the upstream {authority} answered with HTTP status {status}, which is no gRPC");
        Self { code: code_of_http(status.as_u16()), message }
    }

    /// Returns what it means that an answer has ended without a status.
    pub(super) fn no_status(authority: &str) -> Self {
        let message = format!("the upstream {authority} ended its answer without a status");
        Self { code: Code::Unknown, message }
    }

    /// Returns the status that it amounts to.
    pub(super) fn status(&self) -> Status {
        Status::new(self.code, self.message.clone())
    }

    pub(super) fn into_end(self) -> EndReason {
        EndReason::UpstreamFailed { code: self.code, message: self.message }
    }
}

/// Tells whether the upstream says that it never looked at the call, so that it may be sent again: it refused the
/// stream, or has gone away before it.
pub(super) fn was_refused(error: &h2::Error) -> bool {
    error.is_remote()
        && (error.is_go_away() || (error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM)))
}
