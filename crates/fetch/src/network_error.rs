//! The status of a call whose request or response failed on the network.

use tonic::{Code, Status};

use crate::cause::Cause;
use crate::platform::{FetchError, Platform};

/// Returns `UNAVAILABLE` for a request that failed without a response.
pub(crate) fn unreachable<P: Platform>(platform: &P, error: &FetchError) -> Status {
    let offline = platform.is_offline();
    status(Cause::Unreachable { offline }, offline, "the server could not be reached", error)
}

/// Returns `UNAVAILABLE` for a response that failed.
pub(crate) fn connection_broke<P: Platform>(platform: &P, error: &FetchError) -> Status {
    let offline = platform.is_offline();
    status(Cause::ConnectionBroke { offline }, offline, "the connection to the server broke", error)
}

fn status(cause: Cause, offline: bool, what: &str, FetchError(message): &FetchError) -> Status {
    let suffix = if offline { "; the browser is offline" } else { "" };
    cause.status(Code::Unavailable, format!("{what}: {message}{suffix}"))
}
