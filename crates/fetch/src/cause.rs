//! Why a call failed, where it was not the server that said so.

use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::{Code, Status};

/// The metadata key under which a status carries its [`Cause`]. What servers send under this name is thrown away.
///
/// A status keeps its metadata on every way through tonic, while its source is lost where a status travels as
/// trailers; and trailers are the one form in which tonic reports a failed stream exactly once.
pub(crate) const CAUSE: HeaderName = HeaderName::from_static("drawbridge-fetch-cause");

/// Why a call failed on this side of the wire.
///
/// A status that the server sent has no cause; one that this transport made always has:
///
/// ```
/// use drawbridge_fetch::Cause;
///
/// fn words(status: &tonic::Status) -> String {
///     match Cause::of(status) {
///         Some(Cause::Unreachable { .. }) => "The server cannot be reached. Is it running?".to_owned(),
///         Some(Cause::ConnectionBroke { .. }) => "The connection broke. Please try again.".to_owned(),
///         Some(_) => status.message().to_owned(),
///         None => format!("The server says: {}", status.message()),
///     }
/// }
/// # assert_eq!(words(&tonic::Status::not_found("no such user")), "The server says: no such user");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// No answer came: the server is down, or unknown, or does not allow this page's origin. `UNAVAILABLE`.
    Unreachable {
        /// Whether the browser believed to be offline when this happened. It labels the failure, and is never the
        /// reason for one: loopback works offline.
        offline: bool,
    },
    /// The answer had begun, and then the connection broke. `UNAVAILABLE`.
    ConnectionBroke {
        /// Whether the browser believed to be offline when this happened.
        offline: bool,
    },
    /// What answered is no gRPC-Web server: the HTTP status is an error, or the content type is another. The code
    /// follows the HTTP status
    /// ([mapping](https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md)).
    NotGrpc,
    /// The answer breaks the protocol. `INTERNAL`; or `UNIMPLEMENTED`, where a call that was said to be
    /// [unary](crate::CallOptions::unary) was not answered with one message.
    Protocol,
    /// The answer ended well-formed but without a status: something cut it off. `UNKNOWN`.
    NoStatus,
    /// This side's own clock ran out. `DEADLINE_EXCEEDED`.
    DeadlineExceeded,
    /// An attempt failed, and the wait before the next one would have outlasted the deadline. `DEADLINE_EXCEEDED`.
    NoTimeToRetry,
    /// The caller cancelled the call. `CANCELLED`.
    Cancelled,
    /// The page was left: closed, reloaded, or put aside for the back button. `CANCELLED`.
    PageLeft,
}

/// Every cause, with the token that stands for it in a status.
const TOKENS: [(Cause, HeaderValue); 11] = [
    (Cause::Unreachable { offline: false }, HeaderValue::from_static("unreachable")),
    (Cause::Unreachable { offline: true }, HeaderValue::from_static("unreachable-offline")),
    (Cause::ConnectionBroke { offline: false }, HeaderValue::from_static("connection-broke")),
    (Cause::ConnectionBroke { offline: true }, HeaderValue::from_static("connection-broke-offline")),
    (Cause::NotGrpc, HeaderValue::from_static("not-grpc")),
    (Cause::Protocol, HeaderValue::from_static("protocol")),
    (Cause::NoStatus, HeaderValue::from_static("no-status")),
    (Cause::DeadlineExceeded, HeaderValue::from_static("deadline-exceeded")),
    (Cause::NoTimeToRetry, HeaderValue::from_static("no-time-to-retry")),
    (Cause::Cancelled, HeaderValue::from_static("cancelled")),
    (Cause::PageLeft, HeaderValue::from_static("page-left")),
];

impl Cause {
    /// Returns the cause of a status that this transport made, or `None` for a status of the server.
    pub fn of(status: &Status) -> Option<Self> {
        let token = status.metadata().get(CAUSE.as_str())?;
        TOKENS.iter().find(|(_, known)| known == token.as_encoded_bytes()).map(|(cause, _)| *cause)
    }

    /// Makes the status that tells of this cause.
    pub(crate) fn status(self, code: Code, message: impl Into<String>) -> Status {
        let mut headers = HeaderMap::new();
        if let Some((_, token)) = TOKENS.into_iter().find(|(cause, _)| *cause == self) {
            headers.insert(CAUSE, token);
        }
        Status::with_metadata(code, message, tonic::metadata::MetadataMap::from_headers(headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drawbridge_core::status::trailers_of;

    #[test]
    fn each_cause_is_found_in_its_status_and_behind_its_trailers() {
        for (cause, _) in TOKENS {
            let status = cause.status(Code::Unavailable, "100 % broken: ü");
            assert_eq!(Cause::of(&status), Some(cause));
            let behind = Status::from_header_map(&trailers_of(&status)).unwrap();
            assert_eq!(Cause::of(&behind), Some(cause));
            assert_eq!((behind.code(), behind.message()), (Code::Unavailable, "100 % broken: ü"));
        }
    }

    #[test]
    fn a_status_of_the_server_has_no_cause() {
        assert_eq!(Cause::of(&Status::unavailable("try again")), None);
    }
}
