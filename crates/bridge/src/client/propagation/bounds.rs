//! What ends a child call before its answer is complete.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use drawbridge_core::{Deadline, EndReason};
use futures_util::future::BoxFuture;
use tokio::time::{Sleep, sleep_until};
use tonic::Status;

use crate::call::{CallContext, now};

/// The bounds of a child call: its own deadline, and the end of its parent.
pub(super) struct Bounds {
    deadline: Option<(Deadline<Instant>, Pin<Box<Sleep>>)>,
    parent: Option<BoxFuture<'static, EndReason>>,
}

impl Bounds {
    /// Returns the bounds, or `None` where a call has neither.
    pub(super) fn new(deadline: Option<Deadline<Instant>>, parent: Option<CallContext>) -> Option<Self> {
        if deadline.is_none() && parent.is_none() {
            return None;
        }
        let deadline = deadline.map(|deadline| (deadline, Box::pin(sleep_until(deadline.at().into()))));
        let parent = parent.map(|parent| Box::pin(async move { parent.cancelled().await }) as BoxFuture<_>);
        Some(Self { deadline, parent })
    }

    /// Resolves when the call must end, with the status to end it with. The deadline comes first, and is read off the
    /// clock, so that a reset which races the timer is not taken for anything else.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        if let Some((_, timer)) = &mut self.deadline
            && (timer.as_mut().poll(cx).is_ready() || self.expired())
        {
            return Poll::Ready(self.out_of_time());
        }
        match &mut self.parent {
            Some(parent) => parent.as_mut().poll(cx).map(|reason| status_of_child(&reason)),
            None => Poll::Pending,
        }
    }

    /// Tells whether the deadline has passed. The timer may be up to a millisecond late.
    pub(super) fn expired(&self) -> bool {
        self.deadline.as_ref().is_some_and(|(deadline, _)| deadline.expired(now()))
    }

    /// Returns the status of a call whose time is up.
    pub(super) fn out_of_time(&self) -> Status {
        let granted = self.deadline.as_ref().map(|(deadline, _)| deadline.granted());
        granted
            .and_then(|granted| EndReason::DeadlineExceeded { granted }.status())
            .unwrap_or_else(|| Status::deadline_exceeded("the time is up"))
    }
}

/// Returns the status of a child whose parent has ended for this reason.
fn status_of_child(parent: &EndReason) -> Status {
    parent
        .status()
        .unwrap_or_else(|| Status::cancelled(format!("the call that this one served has ended: {parent}")))
}
