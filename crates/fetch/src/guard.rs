//! Ends a call when it is dropped, cancelled or out of time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use drawbridge_core::{Deadline, Timeout};
use futures_util::task::AtomicWaker;
use http::HeaderMap;
use tonic::{Code, Status};

use crate::call_options::CallOptions;
use crate::cancel_token::{Abort, CancelReason, CancelToken};
use crate::cause::Cause;
use crate::platform::{Platform, Registration};
use crate::trace::{Backoff, Trace};

/// The guard of one call. It is held by the call's future, and then by the body of its response. Dropping it aborts the
/// call, unless that has ended.
pub(crate) struct CallGuard<P: Platform> {
    platform: P,
    token: CancelToken,
    deadline: Option<Deadline<Duration>>,
    /// The timers of the deadline, and the listener for leaving the page.
    registrations: Vec<Registration>,
    trace: Option<Trace>,
}

impl<P: Platform> CallGuard<P> {
    /// Starts a call: from now on its deadline, its handles and leaving the page can end it.
    pub(crate) fn start(platform: P, options: &CallOptions, deadline: Option<Deadline<Duration>>) -> Self {
        let token = CancelToken::default();
        let mut registrations = Vec::new();
        if !options.fetch().is_keepalive() {
            let token = token.clone();
            registrations.push(platform.on_page_left(Box::new(move || token.cancel(CancelReason::PageLeft))));
        }
        for cancel in options.cancel_handles() {
            cancel.add(&token);
        }
        if let Some(deadline) = deadline {
            registrations.extend(set_deadline_timer(&platform, &token, deadline));
        }
        let trace = options.trace().cloned();
        if let Some(trace) = &trace {
            trace.begin(platform.now(), deadline);
        }
        Self { platform, token, deadline, registrations, trace }
    }

    /// Limits the rest of the call to this time.
    pub(crate) fn limit(&mut self, timeout: Duration) {
        if let Some(deadline) = Deadline::after(self.platform.now(), timeout.into()) {
            self.deadline = Deadline::min(self.deadline, Some(deadline));
            self.registrations.extend(set_deadline_timer(&self.platform, &self.token, deadline));
        }
    }

    /// Returns the time that is left of the call, if it has a deadline.
    pub(crate) fn remaining(&self) -> Option<Timeout> {
        self.deadline.map(|deadline| deadline.remaining(self.platform.now()))
    }

    pub(crate) fn platform(&self) -> &P {
        &self.platform
    }

    /// Sets how the current request is aborted, and aborts the one before it.
    pub(crate) fn set_abort(&self, abort: Abort) {
        self.token.set_abort(abort);
    }

    /// Aborts the current request. The call continues.
    pub(crate) fn abort_request(&self) {
        self.token.set_abort(Box::new(|| {}));
    }

    /// Waits for this time, or returns the status of the call if it ends first.
    pub(crate) async fn sleep(&self, time: Duration) -> Result<(), Status> {
        let until = self.platform.now().saturating_add(time);
        let waker = Arc::new(AtomicWaker::new());
        let callback = {
            let (platform, waker) = (self.platform.clone(), Arc::clone(&waker));
            move || {
                let left = until.saturating_sub(platform.now());
                if left.is_zero() {
                    waker.wake();
                }
                (!left.is_zero()).then_some(left)
            }
        };
        let _timer = self.platform.set_timer(time, Box::new(callback));
        let elapsed = poll_fn(|cx| {
            waker.register(cx.waker());
            if self.platform.now() < until { Poll::Pending } else { Poll::Ready(()) }
        });
        self.run(elapsed).await
    }

    /// Runs a future, or returns the status of the call if it ends first.
    pub(crate) async fn run<F: Future>(&self, future: F) -> Result<F::Output, Status> {
        let mut future = pin!(future);
        poll_fn(|cx| match self.poll_ended(cx) {
            Poll::Ready(status) => Poll::Ready(Err(status)),
            Poll::Pending => future.as_mut().poll(cx).map(Ok),
        })
        .await
    }

    /// Waits until the call is ended on this side, and returns its status.
    ///
    /// Each poll compares the deadline with the clock first. A timer may be late, and an error that occurs after the
    /// deadline is a consequence of it.
    pub(crate) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<Status> {
        self.check_deadline();
        self.token.poll_cancelled(cx).map(|reason| self.status(reason))
    }

    /// Returns the status of the call as an error if it was ended on this side.
    pub(crate) fn check(&self) -> Result<(), Status> {
        self.check_deadline();
        self.token.reason().map_or(Ok(()), |reason| Err(self.status(reason)))
    }

    /// Returns whether the call was ended on this side.
    pub(crate) fn is_ended(&self) -> bool {
        self.token.reason().is_some()
    }

    fn check_deadline(&self) {
        if self.deadline.is_some_and(|deadline| deadline.expired(self.platform.now())) {
            self.token.cancel(CancelReason::DeadlineExceeded);
        }
    }

    /// Records that the response was read to its end.
    pub(crate) fn complete(&mut self) {
        self.token.complete();
        self.registrations.clear();
    }

    /// Records that the call failed, and aborts what may be left of its request.
    pub(crate) fn abandon(&mut self) {
        self.token.abandon();
        self.registrations.clear();
    }

    /// Traces that an attempt starts.
    pub(crate) fn trace_attempt(&self) {
        if let Some(trace) = &self.trace {
            trace.attempt_started(self.platform.now());
        }
    }

    /// Traces the failure of the current attempt, and the backoff after it.
    pub(crate) fn trace_failure(&self, status: &Status, backoff: Backoff) {
        if let Some(trace) = &self.trace {
            trace.attempt_failed(self.platform.now(), status, backoff);
        }
    }

    /// Traces the status with which the call ended.
    pub(crate) fn trace_end(&self, status: &Status) {
        if let Some(trace) = &self.trace {
            trace.end(self.platform.now(), status);
        }
    }

    /// Traces that the call ended with the status in these headers or trailers.
    pub(crate) fn trace_end_in(&self, headers: &HeaderMap) {
        if self.trace.is_some()
            && let Some(status) = Status::from_header_map(headers)
        {
            self.trace_end(&status);
        }
    }

    fn status(&self, reason: CancelReason) -> Status {
        match reason {
            CancelReason::Cancelled => {
                Cause::Cancelled.status(Code::Cancelled, "the caller cancelled the call")
            }
            // Only the trace shows this status.
            CancelReason::Dropped => Cause::Cancelled.status(Code::Cancelled, "the call was dropped"),
            CancelReason::PageLeft => Cause::PageLeft.status(Code::Cancelled, "the user left the page"),
            CancelReason::DeadlineExceeded => {
                let granted = self.deadline.map_or(Duration::ZERO, |deadline| deadline.granted().duration());
                let message = format!("the call did not end within {granted:?}");
                Cause::DeadlineExceeded.status(Code::DeadlineExceeded, message)
            }
        }
    }
}

impl<P: Platform> Drop for CallGuard<P> {
    fn drop(&mut self) {
        self.token.cancel(CancelReason::Dropped);
        if let Some(reason) = self.token.reason() {
            self.trace_end(&self.status(reason));
        }
    }
}

/// Sets the timer that ends a call at its deadline. If that has passed, ends the call now.
fn set_deadline_timer<P: Platform>(
    platform: &P,
    token: &CancelToken,
    deadline: Deadline<Duration>,
) -> Option<Registration> {
    let callback = {
        let (platform, token) = (platform.clone(), token.clone());
        move || {
            let now = platform.now();
            if deadline.expired(now) {
                token.cancel(CancelReason::DeadlineExceeded);
                return None;
            }
            Some(deadline.remaining(now).duration())
        }
    };
    callback().map(|left| platform.set_timer(left, Box::new(callback)))
}
