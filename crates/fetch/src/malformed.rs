//! What can be wrong with a response body.

use tonic::{Code, Status};

use crate::cause::Cause;

/// How a response body violates the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the server sent a compressed message, but this client accepts none")]
    Compressed,
    #[error("the server sent a frame with the unknown flags {0:#04x}: expected 0x00 or 0x80")]
    Flags(u8),
    #[error("the server announced trailers of {0} bytes: at most 1048575 are accepted")]
    TrailersTooLong(u32),
    #[error("the server sent data after the trailers, which must come last")]
    AfterTrailers,
    #[error("the response ended inside a frame")]
    Truncated,
    #[error("the response has a content type of gRPC-Web text but is not base64")]
    Text,
    #[error("the server sent no message: a unary call expects exactly one")]
    NoMessage,
    #[error("the server sent more than one message: a unary call expects exactly one")]
    SecondMessage,
    #[error("the server sent malformed trailers: expected lines of a name, a colon and a value")]
    Trailers,
}

impl From<Malformed> for Status {
    fn from(malformed: Malformed) -> Self {
        let code = match malformed {
            Malformed::TrailersTooLong(_) => Code::ResourceExhausted,
            // gRPC's code for a client and a server that do not agree on whether a method streams.
            Malformed::NoMessage | Malformed::SecondMessage => Code::Unimplemented,
            _ => Code::Internal,
        };
        Cause::Protocol.status(code, malformed.to_string())
    }
}
