//! How many messages an answer has.

use http::HeaderMap;

use crate::malformed::Malformed;
use crate::metadata::GRPC_STATUS;

/// How many messages a call is answered with when it ends well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Arity {
    /// Any number, as far as the caller has said.
    #[default]
    Any,
    /// Exactly one ([response cardinality](https://github.com/grpc/grpc/blob/master/doc/statuscodes.md)).
    One,
}

impl Arity {
    /// Checks how many messages have begun. One too many is refused with its first byte, because a server that
    /// streams where it should not may never end.
    pub(crate) fn check_begun(self, begun: usize) -> Result<(), Malformed> {
        if self == Self::One && begun > 1 { Err(Malformed::SecondMessage) } else { Ok(()) }
    }

    /// Checks how many messages have begun before this verdict. A call that failed has none to miss.
    pub(crate) fn check_verdict(self, begun: usize, verdict: &HeaderMap) -> Result<(), Malformed> {
        let succeeds = verdict.get(GRPC_STATUS).is_some_and(|status| status == "0");
        if self == Self::One && begun == 0 && succeeds { Err(Malformed::NoMessage) } else { Ok(()) }
    }
}
