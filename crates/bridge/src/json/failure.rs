//! A failure of the request, which ends the response.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tonic::Status;

/// What is wrong with the request, as request and response of a call share it.
///
/// The request may be read by a task or a handler that does not pass its error on: a stream of responses may already go on.
#[derive(Clone, Default)]
pub(super) struct Failure(Arc<Shared>);

#[derive(Default)]
struct Shared {
    status: Mutex<Option<Status>>,
    waker: AtomicWaker,
}

impl Failure {
    /// Ends the call with this status.
    pub(super) fn set(&self, status: Status) {
        *self.0.status.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
        self.0.waker.wake();
    }

    /// Waits for a failure.
    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<Status> {
        if let Some(status) = self.take() {
            return Poll::Ready(status);
        }
        self.0.waker.register(cx.waker());
        self.take().map_or(Poll::Pending, Poll::Ready)
    }

    /// Returns the failure, if there is one.
    pub(super) fn take(&self) -> Option<Status> {
        self.0.status.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
