//! Why this transport failed a call.

use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::{Code, Status};

/// The metadata key under which a status carries its [`Cause`]. It is removed from what servers send.
///
/// Metadata survives every way that a status takes through tonic. Its source does not survive trailers, in which a
/// response body reports its status.
pub(crate) const CAUSE: HeaderName = HeaderName::from_static("drawbridge-fetch-cause");

/// Why this transport failed a call.
///
/// A status that the server sent has no cause. A status that this transport made always has one:
///
/// ```
/// use drawbridge_fetch::Cause;
///
/// fn message(status: &tonic::Status) -> String {
///     match Cause::of(status) {
///         Some(Cause::Unreachable { .. }) => "The server cannot be reached. Is it running?".to_owned(),
///         Some(Cause::ConnectionBroke { .. }) => "The connection broke. Please try again.".to_owned(),
///         Some(_) => status.message().to_owned(),
///         None => format!("The server says: {}", status.message()),
///     }
/// }
/// # assert_eq!(message(&tonic::Status::not_found("no such user")), "The server says: no such user");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// No response came: the server is down, its name is unknown, or it does not allow the page's origin by CORS.
    /// `UNAVAILABLE`.
    Unreachable {
        /// Whether the browser reported to be offline. This is a hint for messages: it never makes a call fail, because
        /// servers on the same machine work offline.
        offline: bool,
    },
    /// The connection broke after the response had begun. `UNAVAILABLE`.
    ConnectionBroke {
        /// Whether the browser reported to be offline.
        offline: bool,
    },
    /// The response is not gRPC-Web: it has an HTTP error status, or another content type. The code follows the HTTP
    /// status ([mapping](https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md)).
    NotGrpc,
    /// The response violates the protocol. `INTERNAL`, or `UNIMPLEMENTED` if a [unary](crate::CallOptions::unary) call
    /// did not receive exactly one message, or `RESOURCE_EXHAUSTED` if its trailers are too long.
    Protocol,
    /// The response ended between two messages without a status. `UNKNOWN`.
    NoStatus,
    /// The deadline passed by this page's clock. `DEADLINE_EXCEEDED`.
    DeadlineExceeded,
    /// An attempt failed, and the deadline would pass before the next one starts. `DEADLINE_EXCEEDED`.
    NoTimeToRetry,
    /// The caller cancelled the call. `CANCELLED`.
    Cancelled,
    /// The user left the page: it was closed, reloaded, or put into the back/forward cache. `CANCELLED`.
    PageLeft,
    /// The call was made outside of a browser. `UNIMPLEMENTED`.
    NotInBrowser,
}

/// Every cause, with the value that stands for it in metadata.
const VALUES: &[(Cause, &str)] = &[
    (Cause::Unreachable { offline: false }, "unreachable"),
    (Cause::Unreachable { offline: true }, "unreachable-offline"),
    (Cause::ConnectionBroke { offline: false }, "connection-broke"),
    (Cause::ConnectionBroke { offline: true }, "connection-broke-offline"),
    (Cause::NotGrpc, "not-grpc"),
    (Cause::Protocol, "protocol"),
    (Cause::NoStatus, "no-status"),
    (Cause::DeadlineExceeded, "deadline-exceeded"),
    (Cause::NoTimeToRetry, "no-time-to-retry"),
    (Cause::Cancelled, "cancelled"),
    (Cause::PageLeft, "page-left"),
    (Cause::NotInBrowser, "not-in-browser"),
];

impl Cause {
    /// Returns the cause of a status that this transport made, or `None` for a status that the server sent.
    pub fn of(status: &Status) -> Option<Self> {
        let value = status.metadata().get(CAUSE.as_str())?;
        VALUES.iter().find(|(_, known)| known.as_bytes() == value.as_encoded_bytes()).map(|(cause, _)| *cause)
    }

    /// Returns a status with this cause.
    pub(crate) fn status(self, code: Code, message: impl Into<String>) -> Status {
        let mut headers = HeaderMap::new();
        if let Some((_, value)) = VALUES.iter().find(|(cause, _)| *cause == self) {
            headers.insert(CAUSE, HeaderValue::from_static(value));
        }
        Status::with_metadata(code, message, tonic::metadata::MetadataMap::from_headers(headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drawbridge_core::status::trailers_of;

    #[test]
    fn each_cause_is_found_in_its_status_and_after_trailers() {
        for &(cause, _) in VALUES {
            let status = cause.status(Code::Unavailable, "100 % broken: ü");
            assert_eq!(Cause::of(&status), Some(cause));
            let received = Status::from_header_map(&trailers_of(&status)).unwrap();
            assert_eq!(Cause::of(&received), Some(cause));
            assert_eq!((received.code(), received.message()), (Code::Unavailable, "100 % broken: ü"));
        }
    }

    #[test]
    fn a_status_of_the_server_has_no_cause() {
        assert_eq!(Cause::of(&Status::unavailable("try again")), None);
    }
}
