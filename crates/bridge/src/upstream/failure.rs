//! The status for a failure of an upstream that is not a gRPC status.

use drawbridge_core::{EndReason, code_of_http};
use h2::Reason;
use http::StatusCode;
use tonic::{Code, Status};

use crate::call::CallContext;

/// A failure of an upstream: the code and the message that the caller receives.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) code: Code,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self { code: Code::Unavailable, message: message.into() }
    }

    pub(super) fn resource_exhausted(message: impl Into<String>) -> Self {
        Self { code: Code::ResourceExhausted, message: message.into() }
    }

    /// Returns the failure for an HTTP/2 error. The codes of resets are mapped as
    /// [gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors) specifies.
    pub(super) fn from_h2(authority: &str, error: &h2::Error) -> Self {
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
            format!("the upstream {authority} violated HTTP/2: {error}")
        };
        Self::unavailable(message)
    }

    /// Returns the failure for a response that is not gRPC, by its HTTP status.
    pub(super) fn from_http_status(authority: &str, status: StatusCode) -> Self {
        let message =
            format!("the upstream {authority} sent a response that is not gRPC, with HTTP status {status}");
        Self { code: code_of_http(status.as_u16()), message }
    }

    /// Returns the failure for a response that ended without a status.
    pub(super) fn missing_status(authority: &str) -> Self {
        let message = format!("the upstream {authority} ended its response without a status");
        Self { code: Code::Unknown, message }
    }

    /// Returns the failure as a status.
    pub(super) fn status(&self) -> Status {
        Status::new(self.code, self.message.clone())
    }

    /// Ends the current call with this failure. If the deadline of the call has passed by now, it ends with
    /// `DEADLINE_EXCEEDED`: an upstream may reset its stream at the deadline before the call's own timer fires.
    pub(super) fn end_current_call(self) {
        if let Some(context) = CallContext::current() {
            context.check_deadline();
            context.end(EndReason::UpstreamFailed { code: self.code, message: self.message });
        }
    }
}

/// Returns whether the upstream has not processed the call, so that it can be sent again: it refused the stream, or sent
/// GOAWAY before it.
pub(super) fn was_refused(error: &h2::Error) -> bool {
    error.is_remote()
        && (error.is_go_away() || (error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM)))
}
