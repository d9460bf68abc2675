//! What the caller of a reconnecting stream reads.

use std::time::Duration;

use drawbridge_core::{FailedAttempt, Pushback};
use tonic::Status;

/// An item of a [`Reconnecting`](crate::Reconnecting) stream.
#[derive(Clone, Debug)]
pub enum ReconnectEvent<M> {
    /// A server accepted a call: the first one, or one after a break.
    Connected,
    /// A message arrived.
    Message(M),
    /// A call failed, and another one follows. It is repeated when [`Disconnected::retry_at`] changes.
    Disconnected(Disconnected),
}

/// Why a [`Reconnecting`](crate::Reconnecting) stream has no call at the moment, and when it makes the next one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Disconnected {
    /// The status of the call that failed. [`Cause::of`](crate::Cause::of) tells whether the server sent it.
    pub status: Status,
    /// When the next call is made.
    pub retry_at: RetryAt,
}

impl Disconnected {
    pub(super) fn new(status: Status, retry_at: RetryAt) -> Self {
        Self { status, retry_at }
    }

    /// Returns whether the server ended the call by plan and asked to be called again (`grpc-retry-pushback-ms`), as a server
    /// does that restarts. Other breaks are failures: the server crashed, or the network was lost.
    pub fn is_planned(&self) -> bool {
        matches!(FailedAttempt::from_status(&self.status).pushback, Some(Pushback::After(_)))
    }
}

/// When a [`Reconnecting`](crate::Reconnecting) stream makes its next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryAt {
    /// At this time, by the clock of [`now`](crate::now).
    Time(Duration),
    /// When the browser is online.
    Online,
    /// When the page is visible: its tab is hidden, or it is in the back/forward cache.
    Visible,
}
