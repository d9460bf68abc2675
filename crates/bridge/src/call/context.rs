//! One call, as its handler and whatever ends it share it.

use std::borrow::Cow;
use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use drawbridge_core::{Deadline, EndReason, Protocol};
use tokio::runtime;
use tokio::sync::Notify;
use tracing::Span;

use super::activity::{Activities, ActivityKind, ActivityRecord};
use super::clock::now;
use super::forwarding::{Addresses, Forwarded};
use super::id::CallId;
use super::list::CallList;
use super::log;
use super::observers::Observers;
use super::record::{CallFacts, CallRecord};
use super::request_id::RequestId;
use super::request_wait::RequestWait;
use super::response_slot::ResponseSlot;

mod end;
mod response;

/// One call, shared by its handler, its deadline and whatever may end it. Cloning it is cheap.
///
/// A handler finds it in the extensions of its request, or with [`CallContext::current`] anywhere below: in the handler's
/// future, in each poll of its response stream, and while either is dropped.
#[derive(Clone, Debug)]
pub struct CallContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    record: CallRecord,
    response: ResponseSlot,
    request_wait: RequestWait,
    /// What waits for the end. Made by the first that waits: most calls have none.
    ended: OnceLock<Notify>,
    /// The list that the call is in. The list keeps calls that have ended, so a call does not keep the list.
    list: Weak<CallList<CallContext>>,
    observers: Arc<Observers<CallContext>>,
    /// Its key in the list.
    key: AtomicUsize,
    /// The runtime whose keeper ends the call at its deadline.
    runtime: OnceLock<runtime::Id>,
    /// The span of the call, inside the span that was current when it opened.
    span: Span,
    caller_span: Option<tracing::Id>,
}

/// The key of a call that is in no list.
const NO_KEY: usize = usize::MAX;

thread_local! {
    /// The call that this thread works for. Each poll of what belongs to a call sets it and restores what was there before.
    /// A task-local of the runtime would do the same at a much higher cost, for several polls of each call.
    static CURRENT: Cell<Option<CallContext>> = const { Cell::new(None) };
}

impl CallContext {
    /// Opens a call.
    pub(super) fn open(facts: CallFacts, opened: Instant, list: &Arc<CallList<Self>>) -> Self {
        let caller_span = Span::current().id();
        // A target of its own, so that a filter can leave out the log lines and keep the span.
        let span = tracing::info_span!(target: "drawbridge::span", "call", id = %*facts.call_id);
        if list.observers().logs_calls() {
            log::opened(&facts, caller_span.clone());
        }
        Self(Arc::new(Inner {
            record: CallRecord::new(facts, opened),
            response: ResponseSlot::default(),
            request_wait: RequestWait::default(),
            ended: OnceLock::new(),
            list: Arc::downgrade(list),
            observers: Arc::clone(list.observers()),
            key: AtomicUsize::new(NO_KEY),
            runtime: OnceLock::new(),
            span,
            caller_span,
        }))
    }

    /// Returns the call that the current code works for, or `None` outside of any call.
    pub fn current() -> Option<Self> {
        let current = CURRENT.try_with(Cell::take).ok()??;
        CURRENT.set(Some(current.clone()));
        Some(current)
    }

    /// Runs `f` as part of the call: it is the current one, and log events are in its span.
    #[inline]
    pub(crate) fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        /// Restores what was current before, also when `f` panics.
        struct Restore(Option<CallContext>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _entered = self.0.span.enter();
        let _restore = Restore(CURRENT.replace(Some(self.clone())));
        f()
    }

    /// Returns the id of the call, made by this server and unguessable.
    pub fn call_id(&self) -> CallId {
        *self.facts().call_id
    }

    /// Returns the id that this call shares with the other hops of its request. The caller receives it in the response
    /// header `x-request-id`.
    pub fn request_id(&self) -> &RequestId {
        &self.facts().request_id
    }

    /// Returns the path of the method, such as `/greet.Greeter/SayHello`, up to 256 bytes of it.
    pub fn method(&self) -> &str {
        &self.facts().method
    }

    /// Returns the address of the caller's end of the connection, if the server knows it
    /// ([`PeerAddr`](crate::PeerAddr)).
    pub fn peer(&self) -> Option<SocketAddr> {
        self.facts().peer
    }

    /// Returns the form of gRPC that the caller speaks.
    pub fn protocol(&self) -> Protocol {
        self.facts().protocol
    }

    /// Returns the instant at which the call ends, whatever its handler does. `None`: it has no deadline.
    pub fn deadline(&self) -> Option<Deadline<Instant>> {
        self.facts().deadline
    }

    /// Returns the call whose handler made this one, if its client sent it. The value is not verified.
    pub fn parent(&self) -> Option<CallId> {
        self.facts().parent.as_deref().copied()
    }

    /// Returns how many attempts the caller says it made before this one.
    pub fn previous_attempts(&self) -> u32 {
        self.facts().previous_attempts
    }

    /// Returns how many messages of the response were handed to the connection so far.
    pub fn messages(&self) -> u64 {
        self.0.record.messages()
    }

    /// Returns why the call ended, or `None` while it is open.
    pub fn end_reason(&self) -> Option<&EndReason> {
        self.0.record.end.get()
    }

    /// Returns when the call ended, if that was recorded.
    pub(crate) fn ended_at(&self) -> Option<Instant> {
        self.0.record.ended_at.get(self.opened())
    }

    /// Returns how long the call has been open, or was open if it has ended and the time of its end is known.
    pub fn elapsed(&self) -> Duration {
        self.ended_at().unwrap_or_else(now).saturating_duration_since(self.opened())
    }

    /// Returns the timeout that the caller sent.
    #[cfg(feature = "console")]
    pub(crate) fn requested_timeout(&self) -> Option<drawbridge_core::Timeout> {
        self.facts().requested
    }

    /// Returns how long the call has waited for its request.
    pub(super) fn request_wait(&self) -> &RequestWait {
        &self.0.request_wait
    }

    pub(crate) fn opened(&self) -> Instant {
        self.0.record.opened
    }

    /// Keeps the call out of the console: it is neither listed nor kept when it has ended. Its deadline, its limits and its
    /// log lines stay.
    pub fn unlist(&self) {
        self.0.record.unlisted.store(true, Ordering::Relaxed);
    }

    /// Records for the console that something runs for the call, such as a database query, until the returned guard is
    /// dropped. The first 64 of a call are recorded.
    ///
    /// ```
    /// use drawbridge::CallContext;
    ///
    /// # async fn query() {}
    /// # async fn handler() {
    /// let activity = CallContext::current().map(|call| call.activity("query"));
    /// query().await;
    /// drop(activity);
    /// # }
    /// ```
    pub fn activity(&self, name: impl Into<Cow<'static, str>>) -> Activity {
        self.start(ActivityKind::Named(name.into()))
    }

    /// Records that something runs for the call, until the returned guard is dropped.
    pub(crate) fn start(&self, kind: ActivityKind) -> Activity {
        let index = self.activities().add(ActivityRecord { kind, started: now(), stopped: None });
        Activity { call: self.clone(), index }
    }

    /// Records something that ran since `started` and has just stopped.
    pub(crate) fn record_past(&self, kind: ActivityKind, started: Instant) {
        self.activities().add(ActivityRecord { kind, started, stopped: Some(now()) });
    }

    pub(crate) fn activities(&self) -> &Activities {
        &self.0.record.activities
    }

    /// Records that the call was sent to one of these addresses of an upstream.
    pub(crate) fn sent_to(&self, addresses: &Addresses, index: usize) {
        self.0.record.forwarding.sent(addresses, index, now().saturating_duration_since(self.opened()));
    }

    /// Records that the upstream's response has begun, and returns the time.
    pub(crate) fn response_began(&self) -> Instant {
        let now = now();
        self.0.record.forwarding.answered(now.saturating_duration_since(self.opened()));
        now
    }

    /// Returns where the call was forwarded to.
    pub(crate) fn forwarded(&self) -> Option<Forwarded<'_>> {
        self.0.record.forwarding.get()
    }

    /// Returns a value that differs when [`CallContext::forwarded`] does.
    #[cfg(feature = "console")]
    pub(crate) fn forwarded_version(&self) -> (u64, u64) {
        self.0.record.forwarding.version()
    }

    /// Returns when the call ends at the latest.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        let deadline = self.deadline().map(|deadline| deadline.at());
        let Some(max) = self.facts().max_duration.as_deref() else { return deadline };
        let end = self.opened() + *max;
        Some(deadline.map_or(end, |deadline| deadline.min(end)))
    }

    /// Returns why the call ends when [`CallContext::ends_at`] has passed.
    pub(super) fn overdue(&self, now: Instant) -> Option<EndReason> {
        match (self.deadline(), self.facts().max_duration.as_deref()) {
            (Some(deadline), _) if deadline.expired(now) => {
                Some(EndReason::DeadlineExceeded { granted: deadline.granted() })
            }
            (_, Some(max)) => Some(EndReason::MaxDuration { after: *max }),
            (_, None) => None,
        }
    }

    /// Notes the key of the call in its list, and the runtime that keeps its deadline.
    pub(super) fn put_at(&self, key: usize, runtime: Option<runtime::Id>) {
        if let Some(runtime) = runtime {
            // Set once: a call is added to one list, once.
            let _ = self.0.runtime.set(runtime);
        }
        self.0.key.store(key, Ordering::Relaxed);
    }

    /// Takes the call from the open ones of its list to those that ended last.
    fn leave_list(&self, list: &CallList<Self>) {
        let record = &self.0.record;
        if record.is_listed() && (list.is_watched() || !record.is_plain()) {
            record.note_end();
            drop(list.remember(self.clone(), record.is_plain()));
        }
        let key = self.0.key.load(Ordering::Relaxed);
        if key != NO_KEY {
            let runtime = self.0.runtime.get().copied();
            let deadline = runtime.zip(self.ends_at());
            drop(list.remove(key, deadline));
        }
    }

    /// Tells whether the console lists the call.
    pub(super) fn is_listed(&self) -> bool {
        self.0.record.is_listed()
    }

    fn facts(&self) -> &CallFacts {
        &self.0.record.facts
    }
}

/// Something runs for a call, until this guard is dropped. [`CallContext::activity`] makes it.
#[derive(Debug)]
pub struct Activity {
    call: CallContext,
    index: usize,
}

impl Activity {
    /// Records the code of a child call's status.
    pub(crate) fn set_code(&self, with: tonic::Code) {
        self.call.activities().update(self.index, |record| {
            if let ActivityKind::Child { code, .. } = &mut record.kind {
                *code = Some(with);
            }
        });
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        self.call.activities().update(self.index, |record| record.stopped = Some(now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_call_is_small() {
        // With the two counters of its `Arc`, the class of sizes that allocators have: the next is 768.
        let size = size_of::<Inner>() + 2 * size_of::<usize>();
        assert!(size <= 640, "{size}");
    }
}
