//! What is known of a call.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Instant;

use drawbridge_core::{Deadline, EndReason, Timeout};
use futures_util::task::AtomicWaker;
use http::HeaderMap;
use tokio::sync::Notify;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tracing::Span;

use super::forwarded::Forwarding;
use super::id::CallId;
use super::log;
use super::registry::{Calls, WeakCalls};
use super::request_id::RequestId;
use super::works::Works;
use crate::front::content_type::FrontProtocol;

mod end;

/// What is known of one call, shared by its handler, its timer and whoever may end it. Cloning it is cheap.
///
/// A handler finds it in its request's extensions, or with [`CallContext::current`] anywhere below: in the handler's
/// future, in each poll of its answer's stream, and while either is dropped.
#[derive(Clone, Debug)]
pub struct CallContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    facts: Facts,
    opened: Instant,
    /// Why it ended.
    end: OnceLock<EndReason>,
    /// When that was. Not known of a call that nobody will ask about, since a look at the clock costs.
    ended_at: OnceLock<Instant>,
    /// Whoever waits for the end. Made by the first of them: most calls have none.
    ended: OnceLock<Notify>,
    messages: AtomicU64,
    /// The answer's body, from the moment at which the handler returned it. It is kept here and not in the body that
    /// the connection holds, because a connection that cannot write does not poll, and could not be made to let go.
    body: Mutex<Option<Body>>,
    /// What the handler has for the end of its answer, if it has said so.
    trailers: OnceLock<Mutex<Option<Box<MetadataMap>>>>,
    /// Whoever waits for the handler or its body on behalf of the connection.
    waker: AtomicWaker,
    /// Whether the call went beyond its first poll, and so has had a waker, or a body. It is set where the call is polled.
    went_on: AtomicBool,
    works: Works,
    forwarding: Forwarding,
    /// The list that the call is in. The list keeps calls that have ended, so a call must not keep the list.
    calls: WeakCalls,
    /// Its place among the open calls of the list. For the list alone, which reads and writes it under its lock.
    place: AtomicUsize,
    span: Span,
}

/// The place of a call that is in no list.
const NOWHERE: usize = usize::MAX;

/// What is known of a call from its start.
#[derive(Debug)]
pub(crate) struct Facts {
    // Made for the first who asks: of most calls nobody does.
    pub(crate) call_id: LazyLock<CallId>,
    pub(crate) request_id: RequestId,
    // Few calls have one.
    pub(crate) parent: Option<Box<CallId>>,
    pub(crate) method: Box<str>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) protocol: FrontProtocol,
    pub(crate) asked: Option<Timeout>,
    pub(crate) deadline: Option<Deadline<Instant>>,
    pub(crate) previous_attempts: u32,
}

impl CallContext {
    /// Opens a call at the time `opened`, and says so in the log.
    pub(crate) fn open(facts: Facts, opened: Instant, calls: &Calls) -> Self {
        let span =
            tracing::info_span!(target: "drawbridge::call", parent: None, "call", id = %*facts.call_id);
        log::opened(&facts);
        Self(Arc::new(Inner {
            facts,
            opened,
            end: OnceLock::new(),
            ended_at: OnceLock::new(),
            ended: OnceLock::new(),
            messages: AtomicU64::new(0),
            body: Mutex::new(None),
            trailers: OnceLock::new(),
            waker: AtomicWaker::new(),
            went_on: AtomicBool::new(false),
            works: Works::default(),
            forwarding: Forwarding::default(),
            calls: calls.downgrade(),
            place: AtomicUsize::new(NOWHERE),
            span,
        }))
    }

    /// Returns the call's name, made by this server.
    pub fn call_id(&self) -> CallId {
        *self.0.facts.call_id
    }

    /// Returns the label that this call shares with the other hops of its request. The caller is told it in the
    /// answer's header `x-request-id`.
    pub fn request_id(&self) -> &RequestId {
        &self.0.facts.request_id
    }

    /// Returns the path of the method that was called, such as `/greet.Greeter/SayHello`.
    pub fn method(&self) -> &str {
        &self.0.facts.method
    }

    /// Returns the address of the caller's end of the connection, where the server was told it.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.facts.peer
    }

    /// Returns the form of gRPC that the caller speaks.
    pub fn protocol(&self) -> FrontProtocol {
        self.0.facts.protocol
    }

    /// Returns the instant by which the call ends, whatever its handler does.
    pub fn deadline(&self) -> Option<Deadline<Instant>> {
        self.0.facts.deadline
    }

    /// Returns the call whose handler made this one, as far as its client told.
    pub fn parent(&self) -> Option<CallId> {
        self.0.facts.parent.as_deref().copied()
    }

    /// Returns how many attempts the caller says it made before this one.
    pub fn previous_attempts(&self) -> u32 {
        self.0.facts.previous_attempts
    }

    /// Returns how many messages of the answer were handed to the connection so far.
    pub fn messages(&self) -> u64 {
        self.0.messages.load(Ordering::Relaxed)
    }

    /// Returns the time that the caller asked for.
    pub(crate) fn asked(&self) -> Option<Timeout> {
        self.0.facts.asked
    }

    pub(crate) fn opened(&self) -> Instant {
        self.0.opened
    }

    /// Returns what runs for the call.
    pub(crate) fn works(&self) -> &Works {
        &self.0.works
    }

    pub(super) fn forwarding(&self) -> &Forwarding {
        &self.0.forwarding
    }

    /// Sets metadata that the caller gets behind the answer's last message, with the status, be that OK or an error. It
    /// takes the place of what was set before, and counts until the handler, or its stream, is done.
    ///
    /// tonic by itself sends trailers with an error only.
    pub fn set_trailers(&self, trailers: MetadataMap) {
        let slot = self.0.trailers.get_or_init(Mutex::default);
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(trailers));
    }

    /// Adds what the handler has set to the trailers that it ends with.
    pub(crate) fn add_trailers(&self, to: &mut HeaderMap) {
        let Some(slot) = self.0.trailers.get() else { return };
        let trailers = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        // What tonic itself writes there stands.
        let Some(trailers) = trailers.map(|trailers| trailers.into_headers()) else { return };
        for (name, value) in &trailers {
            if !name.as_str().starts_with("grpc-") {
                to.append(name, value.clone());
            }
        }
    }

    pub(super) fn put_at(&self, place: usize) {
        self.0.place.store(place, Ordering::Relaxed);
    }

    pub(super) fn place(&self) -> Option<usize> {
        Some(self.0.place.load(Ordering::Relaxed)).filter(|place| *place != NOWHERE)
    }

    pub(crate) fn span(&self) -> &Span {
        &self.0.span
    }

    /// Asks to be woken when the call is ended from outside. To be called before looking for an end.
    pub(crate) fn register(&self, waker: &Waker) {
        self.0.went_on.store(true, Ordering::Relaxed);
        self.0.waker.register(waker);
    }

    /// Counts a message of the answer.
    pub(crate) fn count_message(&self) {
        // Written by the one that polls the answer alone.
        self.0.messages.store(self.messages() + 1, Ordering::Relaxed);
    }

    /// Hands over the answer's body. If the call has ended meanwhile, the body is dropped at once.
    pub(crate) fn put_body(&self, body: Body) {
        self.0.went_on.store(true, Ordering::Relaxed);
        *self.lock_body() = Some(body);
        self.drop_body_if_ended();
    }

    /// Works on the answer's body as part of the call, or returns `None` if it has been taken away.
    ///
    /// The call may be ended during `f`, from another thread or by the handler itself; then the body is dropped as
    /// soon as `f` has returned.
    pub(crate) fn with_body<R>(&self, f: impl FnOnce(&mut Body) -> R) -> Option<R> {
        let mut slot = self.lock_body();
        let result = slot.as_mut().map(|body| self.scope(|| f(body)));
        drop(slot);
        self.drop_body_if_ended();
        result
    }

    fn drop_body_if_ended(&self) {
        fence(Ordering::SeqCst);
        if self.end_reason().is_some() {
            let body = self.lock_body().take();
            self.drop_body(body);
        }
    }

    /// Drops the answer's body as part of the call, and notes that the handler is gone with it.
    fn drop_body(&self, body: Option<Body>) {
        if let Some(body) = body {
            self.scope(|| drop(body));
            self.handler_stopped();
        }
    }

    fn lock_body(&self) -> MutexGuard<'_, Option<Body>> {
        // A panic of the handler is caught inside the lock and ends the call; the slot itself is never half-written.
        self.0.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the time by the runtime's clock, which tests can pause.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
