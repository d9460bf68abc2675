//! How many messages a response has.

use drawbridge_core::headers::GRPC_STATUS;
use http::HeaderMap;

use crate::malformed::Malformed;

/// How many messages a successful response has
/// ([response cardinality](https://github.com/grpc/grpc/blob/master/doc/statuscodes.md)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ResponseCardinality {
    /// Any number: the caller did not say that the call is unary.
    #[default]
    Any,
    /// Exactly one.
    One,
}

impl ResponseCardinality {
    /// Checks how many messages have begun. A second message is rejected at its first byte, because a server that streams
    /// by mistake may never end.
    pub(crate) fn check_begun(self, begun: usize) -> Result<(), Malformed> {
        if self == Self::One && begun > 1 { Err(Malformed::SecondMessage) } else { Ok(()) }
    }

    /// Checks how many messages have begun before these trailers. Only a successful response must have one.
    pub(crate) fn check_end(self, begun: usize, trailers: &HeaderMap) -> Result<(), Malformed> {
        let is_ok = trailers.get(GRPC_STATUS).is_some_and(|status| status == "0");
        if self == Self::One && begun == 0 && is_ok { Err(Malformed::NoMessage) } else { Ok(()) }
    }
}
