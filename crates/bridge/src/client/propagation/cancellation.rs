//! What cancels a child call before its response is complete.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use drawbridge_core::{Deadline, EndReason};
use futures_util::future::BoxFuture;
use tokio::time::{Sleep, sleep_until};
use tonic::Status;

use crate::call::{CallContext, now};

/// Cancels a child call at its deadline, and when its parent ends.
pub(super) struct Cancellation {
    deadline: Option<(Deadline<Instant>, Pin<Box<Sleep>>)>,
    parent: Option<BoxFuture<'static, EndReason>>,
}

impl Cancellation {
    /// Returns `None` if the call has neither a deadline nor a parent.
    pub(super) fn new(deadline: Option<Deadline<Instant>>, parent: Option<CallContext>) -> Option<Self> {
        if deadline.is_none() && parent.is_none() {
            return None;
        }
        let deadline = deadline.map(|deadline| (deadline, Box::pin(sleep_until(deadline.at().into()))));
        let parent = parent.map(|parent| Box::pin(async move { parent.cancelled().await }) as BoxFuture<_>);
        Some(Self { deadline, parent })
    }

    /// Resolves when the call is cancelled, with its status.
    ///
    /// The deadline comes first, and is compared with the clock: if the server resets the stream just before the timer
    /// fires, the status is still `DEADLINE_EXCEEDED`.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        if let Some((_, timer)) = &mut self.deadline
            && (timer.as_mut().poll(cx).is_ready() || self.is_expired())
        {
            return Poll::Ready(self.deadline_exceeded());
        }
        match &mut self.parent {
            Some(parent) => parent.as_mut().poll(cx).map(|reason| status_of_child(&reason)),
            None => Poll::Pending,
        }
    }

    /// Returns whether the deadline has passed. The timer may fire up to a millisecond later.
    pub(super) fn is_expired(&self) -> bool {
        self.deadline.as_ref().is_some_and(|(deadline, _)| deadline.expired(now()))
    }

    /// Returns the status of a call whose deadline has passed.
    pub(super) fn deadline_exceeded(&self) -> Status {
        let granted = self.deadline.as_ref().map(|(deadline, _)| deadline.granted());
        granted
            .and_then(|granted| EndReason::DeadlineExceeded { granted }.status())
            .unwrap_or_else(|| Status::deadline_exceeded("the deadline has passed"))
    }
}

/// Returns the status of a child call whose parent has ended for this reason.
fn status_of_child(parent: &EndReason) -> Status {
    parent.status().unwrap_or_else(|| Status::cancelled(format!("the parent call has ended: {parent}")))
}
