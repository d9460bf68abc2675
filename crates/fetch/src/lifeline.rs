//! What keeps a call alive, and ends it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use drawbridge_core::{Deadline, Timeout};
use futures_util::task::AtomicWaker;
use http::HeaderMap;
use tonic::{Code, Status};

use crate::host::{Guard, Host};
use crate::source::{Abort, Reason, Source};
use crate::{Backoff, CallOptions, Cause, Trace};

/// The guard of one call, which moves from its future into its body. Dropping it ends the call and aborts its
/// request, unless the call has ended before.
pub(crate) struct Lifeline<H: Host> {
    host: H,
    source: Source,
    deadline: Option<Deadline<Duration>>,
    /// The alarm for the deadline, and the listener for the end of the page.
    guards: Vec<Guard>,
    trace: Option<Trace>,
}

impl<H: Host> Lifeline<H> {
    /// Begins a call: from here on its deadline, its handles and the end of the page can end it.
    pub(crate) fn begin(host: H, options: &CallOptions, deadline: Option<Deadline<Duration>>) -> Self {
        let source = Source::default();
        let mut guards = vec![host.on_page_left(Box::new({
            let source = source.clone();
            move || source.end(Reason::PageLeft)
        }))];
        for cancel in options.cancels() {
            cancel.watch(&source);
        }
        if let Some(deadline) = deadline {
            guards.extend(alarm(&host, &source, deadline));
        }
        let trace = options.trace().cloned();
        if let Some(trace) = &trace {
            trace.begin(host.now(), deadline);
        }
        Self { host, source, deadline, guards, trace }
    }

    /// Limits the call to this time from now on, if it has not less.
    pub(crate) fn hasten(&mut self, timeout: Duration) {
        if let Some(deadline) = Deadline::after(self.host.now(), timeout.into()) {
            self.deadline = Deadline::min(self.deadline, Some(deadline));
            self.guards.extend(alarm(&self.host, &self.source, deadline));
        }
    }

    /// Returns the time that is left of the call, if it has a limit.
    pub(crate) fn remaining(&self) -> Option<Timeout> {
        self.deadline.map(|deadline| deadline.remaining(self.host.now()))
    }

    /// Returns the call's surroundings.
    pub(crate) fn host(&self) -> &H {
        &self.host
    }

    /// Puts what stops the request that now begins in the hands of whatever ends the call. The request before it, if
    /// there was one, is stopped.
    pub(crate) fn arm(&self, abort: Abort) {
        self.source.arm(abort);
    }

    /// Stops what is left of the request under way, while the call goes on.
    pub(crate) fn disarm(&self) {
        self.source.arm(Box::new(|| {}));
    }

    /// Waits, or until the end of the call if that comes first.
    pub(crate) async fn sleep(&self, time: Duration) -> Result<(), Status> {
        let until = self.host.now().saturating_add(time);
        let waker = Arc::new(AtomicWaker::new());
        let ring = {
            let (host, waker) = (self.host.clone(), Arc::clone(&waker));
            move || {
                let left = until.saturating_sub(host.now());
                if left.is_zero() {
                    waker.wake();
                }
                (!left.is_zero()).then_some(left)
            }
        };
        let _alarm = self.host.alarm(time, Box::new(ring));
        let over = poll_fn(|cx| {
            waker.register(cx.waker());
            if self.host.now() < until { Poll::Pending } else { Poll::Ready(()) }
        });
        self.race(over).await
    }

    /// Waits for the work, or for the end of the call if that comes first.
    pub(crate) async fn race<F: Future>(&self, work: F) -> Result<F::Output, Status> {
        let mut work = pin!(work);
        poll_fn(|cx| match self.poll_ended(cx) {
            Poll::Ready(status) => Poll::Ready(Err(status)),
            Poll::Pending => work.as_mut().poll(cx).map(Ok),
        })
        .await
    }

    /// Waits until this side ends the call, and returns the status for it.
    ///
    /// The clock is read each time, and before anything else is looked at: an alarm may come late, and what breaks
    /// when the time is up broke because the time is up.
    pub(crate) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<Status> {
        self.look_at_clock();
        self.source.poll_ended(cx).map(|reason| self.status(reason))
    }

    /// Fails if this side has ended the call.
    pub(crate) fn check(&self) -> Result<(), Status> {
        self.look_at_clock();
        self.source.reason().map_or(Ok(()), |reason| Err(self.status(reason)))
    }

    /// Tells whether this side has ended the call.
    pub(crate) fn is_ended(&self) -> bool {
        self.source.reason().is_some()
    }

    fn look_at_clock(&self) {
        if self.deadline.is_some_and(|deadline| deadline.expired(self.host.now())) {
            self.source.end(Reason::Deadline);
        }
    }

    /// Notes that the answer was read to its end.
    pub(crate) fn complete(&mut self) {
        self.source.complete();
        self.guards.clear();
    }

    /// Notes that the call has failed, and stops what is left of its request.
    pub(crate) fn abandon(&mut self) {
        self.source.abandon();
        self.guards.clear();
    }

    /// Notes that an attempt begins, for whoever traces the call.
    pub(crate) fn note_attempt(&self) {
        if let Some(trace) = &self.trace {
            trace.attempt_began(self.host.now());
        }
    }

    /// Notes how the attempt under way has failed, and the wait that follows from it.
    pub(crate) fn note_failure(&self, status: &Status, backoff: Backoff) {
        if let Some(trace) = &self.trace {
            trace.attempt_failed(self.host.now(), status, backoff);
        }
    }

    /// Notes with which status the call has ended, unless it has ended before.
    pub(crate) fn note_end(&self, status: &Status) {
        if let Some(trace) = &self.trace {
            trace.end(self.host.now(), status);
        }
    }

    /// Notes that the call has ended with the status in these headers or trailers.
    pub(crate) fn note_end_in(&self, headers: &HeaderMap) {
        if self.trace.is_some()
            && let Some(status) = Status::from_header_map(headers)
        {
            self.note_end(&status);
        }
    }

    fn status(&self, reason: Reason) -> Status {
        match reason {
            Reason::Cancelled => Cause::Cancelled.status(Code::Cancelled, "the caller cancelled the call"),
            // Nobody is left to read the status of a dropped call.
            Reason::Dropped => Cause::Cancelled.status(Code::Cancelled, "the call was dropped"),
            Reason::PageLeft => Cause::PageLeft.status(Code::Cancelled, "the page was left"),
            Reason::Deadline => {
                let granted = self.deadline.map_or(Duration::ZERO, |deadline| deadline.granted().duration());
                let message = format!("the call did not end within {granted:?}");
                Cause::DeadlineExceeded.status(Code::DeadlineExceeded, message)
            }
        }
    }
}

impl<H: Host> Drop for Lifeline<H> {
    fn drop(&mut self) {
        self.source.end(Reason::Dropped);
        if let Some(reason) = self.source.reason() {
            self.note_end(&self.status(reason));
        }
    }
}

/// Sets the alarm that ends a call when its time is up, or ends it now if that has passed.
fn alarm<H: Host>(host: &H, source: &Source, deadline: Deadline<Duration>) -> Option<Guard> {
    let ring = {
        let (host, source) = (host.clone(), source.clone());
        move || {
            let now = host.now();
            if deadline.expired(now) {
                source.end(Reason::Deadline);
                return None;
            }
            Some(deadline.remaining(now).duration())
        }
    };
    ring().map(|left| host.alarm(left, Box::new(ring)))
}
