//! Why a call failed, explained to a user.

use drawbridge_core::{FailedAttempt, Pushback, code_name};
use drawbridge_fetch::Cause;
use tonic::{Code, Status};

use super::console_token;

/// Why a call failed: on which side, and with which status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What failed on this side, or `None` when the server sent the status.
    cause: Option<Cause>,
    code: Code,
    message: String,
    /// Whether the server announced that it ends the call, and asks for another one.
    planned: bool,
    /// Whether the server's console asks for its token.
    needs_token: bool,
}

impl From<&Status> for Failure {
    fn from(status: &Status) -> Self {
        Self {
            cause: Cause::of(status),
            code: status.code(),
            message: status.message().to_owned(),
            planned: matches!(FailedAttempt::from_status(status).pushback, Some(Pushback::After(_))),
            needs_token: console_token::is_required(status),
        }
    }
}

impl Failure {
    /// Returns the status code.
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// Returns the name of the status code, such as `UNAVAILABLE`.
    pub(crate) fn code_name(&self) -> &'static str {
        code_name(self.code)
    }

    /// Returns whether this side made the status, and not the server.
    pub(crate) fn is_local(&self) -> bool {
        self.cause.is_some()
    }

    /// Returns whether this side gave up because the deadline comes before the next attempt.
    pub(crate) fn had_no_time_to_retry(&self) -> bool {
        self.cause == Some(Cause::NoTimeToRetry)
    }

    /// Returns the status message. It is empty for a connection error, because the browser's text does not help a user.
    pub(crate) fn message(&self) -> &str {
        match self.cause {
            Some(Cause::Unreachable { .. } | Cause::ConnectionBroke { .. }) => "",
            _ => &self.message,
        }
    }

    /// Returns what happened and what the user can do.
    pub(crate) fn explanation(&self) -> &'static str {
        match self.cause {
            None if self.planned => {
                "The server restarts, and has ended the call. Start it again in a moment."
            }
            None if self.needs_token => {
                "The console of this server requires its token. Enter it in the view Calls."
            }
            None => explain_code(self.code),
            Some(Cause::Unreachable { offline: false }) => {
                "The server cannot be reached. Check that it is running, then try again."
            }
            Some(Cause::ConnectionBroke { offline: false }) => {
                "The connection to the server broke before the call ended. Try again."
            }
            Some(Cause::Unreachable { offline: true } | Cause::ConnectionBroke { offline: true }) => {
                "This device is offline. Connect it to the network, then try again."
            }
            Some(Cause::NotGrpc) => {
                "The response is not gRPC. A proxy may have answered in place of the server."
            }
            Some(Cause::Protocol) => "The server sent a malformed response.",
            Some(Cause::NoStatus) => "The response ended without a status. Try again.",
            Some(Cause::DeadlineExceeded) => "The deadline passed, so this page cancelled the call.",
            Some(Cause::NoTimeToRetry) => {
                "The call failed, and its deadline leaves no time for another attempt."
            }
            Some(_) => "The call was cancelled.",
        }
    }
}

/// Returns what a status code from a server means.
fn explain_code(code: Code) -> &'static str {
    match code {
        Code::Ok | Code::Unknown => "The server ended the call without a reason.",
        Code::Cancelled => "The server cancelled the call.",
        Code::InvalidArgument | Code::OutOfRange => "The server rejected the request as invalid.",
        Code::DeadlineExceeded => "The deadline passed on the server.",
        Code::NotFound => "The server found nothing with this name.",
        Code::AlreadyExists => "The server already has this.",
        Code::PermissionDenied => "The server does not permit this call.",
        Code::Unauthenticated => "The server requires credentials. Add them to the metadata, then try again.",
        Code::ResourceExhausted => "The server has reached a limit. Try again later.",
        Code::FailedPrecondition | Code::Aborted => "The server cannot do this in its current state.",
        Code::Unimplemented => "The server does not implement this method.",
        Code::Internal | Code::DataLoss => "An error occurred inside the server.",
        Code::Unavailable => "The server cannot take calls at the moment. Try again.",
    }
}

#[cfg(test)]
impl Failure {
    pub(crate) fn no_time_to_retry() -> Self {
        Self {
            cause: Some(Cause::NoTimeToRetry),
            code: Code::DeadlineExceeded,
            message: String::new(),
            planned: false,
            needs_token: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_from_the_server_keeps_its_name_and_message() {
        let failure = Failure::from(&Status::invalid_argument("the key is too long"));
        assert_eq!(failure.code_name(), "INVALID_ARGUMENT");
        assert_eq!(failure.message(), "the key is too long");
        assert!(failure.explanation().contains("rejected the request"));
    }

    #[test]
    fn each_cause_of_unavailable_has_its_own_explanation() {
        let explain = |cause| Failure { cause, ..Failure::from(&Status::unavailable("")) }.explanation();
        let mut restarting = Status::unavailable("the server is shutting down");
        restarting.metadata_mut().insert("grpc-retry-pushback-ms", "300".parse().unwrap());
        let explanations = [
            explain(None),
            Failure::from(&restarting).explanation(),
            explain(Some(Cause::Unreachable { offline: false })),
            explain(Some(Cause::ConnectionBroke { offline: false })),
            explain(Some(Cause::ConnectionBroke { offline: true })),
        ];
        for (index, one) in explanations.iter().enumerate() {
            assert!(!explanations[..index].contains(one), "{one}");
        }
    }
}
