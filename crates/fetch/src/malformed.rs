//! What can be wrong with a response body.

use tonic::{Code, Status};

use crate::Cause;

/// A response body that breaks the protocol. Its text says how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the server sent a compressed frame, which this client did not offer to understand")]
    Compressed,
    #[error("the server sent a frame with the unknown flag {0:#04x}")]
    Flag(u8),
    #[error("the server announced trailers of {0} bytes, which is more than this client takes")]
    TrailersTooLong(u32),
    #[error("the server sent more after the trailers, which must come last")]
    AfterTrailers,
    #[error("the answer ended in the middle of a frame")]
    Truncated,
    #[error("the answer was declared as text but is not base64")]
    Text,
    #[error("the server sent no message, and the call is unary: its answer is one message")]
    NoMessage,
    #[error("the server sent more than one message, and the call is unary: its answer is one message")]
    SecondMessage,
    #[error("the server sent trailers that are not lines of a name, a colon and a value")]
    Trailers,
}

impl From<Malformed> for Status {
    fn from(malformed: Malformed) -> Self {
        let code = match malformed {
            Malformed::TrailersTooLong(_) => Code::ResourceExhausted,
            // gRPC's way to say that the two sides do not mean the same kind of method.
            Malformed::NoMessage | Malformed::SecondMessage => Code::Unimplemented,
            _ => Code::Internal,
        };
        Cause::Protocol.status(code, malformed.to_string())
    }
}
