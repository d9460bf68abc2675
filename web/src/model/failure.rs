//! Why a call failed, in words for a person.

use drawbridge_core::code_name;
use drawbridge_fetch::Cause;
use tonic::{Code, Status};

/// Why a call failed: on which side of the wire, and with which status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What went wrong on this side, or nothing when it was the server that said no.
    cause: Option<Cause>,
    code: Code,
    message: String,
}

impl From<&Status> for Failure {
    fn from(status: &Status) -> Self {
        Self { cause: Cause::of(status), code: status.code(), message: status.message().to_owned() }
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

    /// Tells whether it was this side that ended the call, and not the server.
    pub(crate) fn is_local(&self) -> bool {
        self.cause.is_some()
    }

    /// Tells whether this side gave up because the deadline comes before another attempt.
    pub(crate) fn had_no_time_to_retry(&self) -> bool {
        self.cause == Some(Cause::NoTimeToRetry)
    }

    /// Returns the message that came with the status. Empty when there is none: what a browser says of a connection is
    /// not for people.
    pub(crate) fn message(&self) -> &str {
        match self.cause {
            Some(Cause::Unreachable { .. } | Cause::ConnectionBroke { .. }) => "",
            _ => &self.message,
        }
    }

    /// Returns what happened, in plain words, and what may help.
    pub(crate) fn words(&self) -> &'static str {
        match self.cause {
            None => answered(self.code),
            Some(Cause::Unreachable { offline: false }) => {
                "The server could not be reached. It may be down; once it runs, try again."
            }
            Some(Cause::ConnectionBroke { offline: false }) => {
                "The connection to the server broke before the call had ended. Try again."
            }
            Some(Cause::Unreachable { offline: true } | Cause::ConnectionBroke { offline: true }) => {
                "This device seems to be offline. Once it is connected, try again."
            }
            Some(Cause::NotGrpc) => "What answered is not the server of this page.",
            Some(Cause::Protocol) => "The server's answer could not be understood.",
            Some(Cause::NoStatus) => "The answer was cut off on its way. Try again.",
            Some(Cause::DeadlineExceeded) => "Its deadline passed, so this page dropped the call.",
            Some(Cause::NoTimeToRetry) => "It failed, and its deadline comes before another attempt.",
            Some(_) => "The call was dropped.",
        }
    }
}

/// Tells what a server means by a code.
fn answered(code: Code) -> &'static str {
    match code {
        Code::Ok | Code::Unknown => "The server ended the call and did not say why.",
        Code::Cancelled => "The server cancelled the call.",
        Code::InvalidArgument | Code::OutOfRange => "The server did not accept what was sent.",
        Code::DeadlineExceeded => "It ran out of time, so the server ended the call.",
        Code::NotFound => "The server has nothing by that name.",
        Code::AlreadyExists => "The server has this already.",
        Code::PermissionDenied => "The server does not allow this.",
        Code::Unauthenticated => "The server wants to know first who is calling.",
        Code::ResourceExhausted => "The server has no room for this call now.",
        Code::FailedPrecondition | Code::Aborted => "The server could not do this in its present state.",
        Code::Unimplemented => "The server does not know this call.",
        Code::Internal | Code::DataLoss => "Something went wrong inside the server.",
        Code::Unavailable => "The server cannot take this call now. Try again.",
    }
}

#[cfg(test)]
impl Failure {
    pub(crate) fn no_time_to_retry() -> Self {
        Self { cause: Some(Cause::NoTimeToRetry), code: Code::DeadlineExceeded, message: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_the_server_is_told_by_its_name_and_its_message() {
        let failure = Failure::from(&Status::invalid_argument("the key is too long"));
        assert_eq!(failure.code_name(), "INVALID_ARGUMENT");
        assert_eq!(failure.message(), "the key is too long");
        assert!(failure.words().contains("did not accept"));
    }

    #[test]
    fn a_server_that_is_down_a_broken_connection_and_an_answer_have_different_words() {
        let words = |cause| Failure { cause, code: Code::Unavailable, message: String::new() }.words();
        let told = [
            words(None),
            words(Some(Cause::Unreachable { offline: false })),
            words(Some(Cause::ConnectionBroke { offline: false })),
            words(Some(Cause::ConnectionBroke { offline: true })),
        ];
        for (index, one) in told.iter().enumerate() {
            assert!(!told[..index].contains(one), "{one}");
        }
    }
}
