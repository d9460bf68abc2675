//! The status for a failure of an upstream that is not a gRPC status.

use std::fmt;

use drawbridge_core::path::service_of;
use drawbridge_core::{EndReason, code_of_http};
use h2::Reason;
use http::StatusCode;
use tonic::{Code, Status};

use crate::call::CallContext;

/// A failure of an upstream.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) code: Code,
    /// What the caller learns. It names no address and no error of this machine.
    pub(super) message: String,
    /// The address and the error, for the operator.
    cause: Option<String>,
    /// Whether an attempt to the same upstreams would fail in the same way.
    is_final: bool,
}

impl Failure {
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self { code: Code::Unavailable, message: message.into(), cause: None, is_final: false }
    }

    pub(super) fn resource_exhausted(message: impl Into<String>) -> Self {
        Self { code: Code::ResourceExhausted, ..Self::unavailable(message) }
    }

    fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, ..Self::unavailable(message) }
    }

    /// Adds where it failed, for the operator.
    pub(super) fn at(self, place: impl fmt::Display) -> Self {
        Self { cause: Some(place.to_string()), ..self }
    }

    /// Adds where and why it failed, for the operator.
    pub(super) fn because(self, place: &str, error: &dyn fmt::Display) -> Self {
        self.at(format_args!("{place}: {error}"))
    }

    /// Makes it a failure that is not retried, whatever the retry policy says of its code.
    pub(super) fn not_retried(self) -> Self {
        Self { is_final: true, ..self }
    }

    /// Returns whether it is not retried.
    pub(super) fn is_final(&self) -> bool {
        self.is_final
    }

    /// Returns the failure in words for the operator.
    pub(super) fn for_operator(&self) -> String {
        match &self.cause {
            Some(cause) => format!("{} ({cause})", self.message),
            None => self.message.clone(),
        }
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
            return Self::new(code, format!("the upstream reset the call: {reason}")).at(authority);
        }
        let message = if error.get_io().is_some() {
            "the connection to the upstream was lost"
        } else if error.is_go_away() && error.is_remote() {
            "the upstream closed the connection"
        } else {
            "the upstream violated HTTP/2"
        };
        Self::unavailable(message).because(authority, error)
    }

    /// Returns the failure for a response that is not gRPC, by its HTTP status.
    pub(super) fn from_http_status(authority: &str, status: StatusCode) -> Self {
        let message = format!("the upstream sent a response that is not gRPC, with HTTP status {status}");
        Self::new(code_of_http(status.as_u16()), message).at(authority)
    }

    /// Returns the failure for a response that ended without a status.
    pub(super) fn missing_status(authority: &str) -> Self {
        Self::new(Code::Unknown, "the upstream ended its response without a status").at(authority)
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
            let message = match service_of(context.method()) {
                Some(service) => format!("{service}: {}", self.message),
                None => self.message,
            };
            context.end(EndReason::UpstreamFailed { code: self.code, message, cause: self.cause });
        }
    }
}

/// Returns whether the upstream has not processed the call, so that it can be sent again: it refused the stream, or sent
/// GOAWAY before it.
pub(super) fn was_refused(error: &h2::Error) -> bool {
    error.is_remote()
        && (error.is_go_away() || (error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM)))
}
