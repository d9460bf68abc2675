//! What a call keeps of its response on behalf of the connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::task::Waker;

use futures_util::task::AtomicWaker;
use http::HeaderMap;
use tonic::body::Body;
use tonic::metadata::MetadataMap;

/// The response of a call, as far as the connection has not read it.
///
/// The body is kept here, and not in the body that the connection holds: a connection that cannot write does not poll, and
/// could not be made to drop it.
#[derive(Debug, Default)]
pub(super) struct ResponseSlot {
    /// The response body, once the handler has returned it.
    body: Mutex<Option<Body>>,
    /// Metadata that the handler has set for the trailers.
    trailers: OnceLock<Mutex<Option<Box<MetadataMap>>>>,
    /// Wakes what polls the handler or its body for the connection.
    waker: AtomicWaker,
    /// Whether the call went beyond its first poll, and so has a waker or a body. Written where the call is polled.
    used: AtomicBool,
}

impl ResponseSlot {
    pub(super) fn register(&self, waker: &Waker) {
        self.used.store(true, Ordering::Relaxed);
        self.waker.register(waker);
    }

    pub(super) fn put(&self, body: Body) {
        self.used.store(true, Ordering::Relaxed);
        *self.lock() = Some(body);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Body>> {
        // A panic of the handler is caught inside the lock and ends the call; the slot is never half-written.
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether there may be a body or a waker.
    pub(super) fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes the body out, unless it is being polled at this moment.
    pub(super) fn try_take(&self) -> Option<Body> {
        match self.body.try_lock() {
            Ok(mut body) => body.take(),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().take(),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub(super) fn take_waker(&self) -> Option<Waker> {
        self.waker.take()
    }

    pub(super) fn set_trailers(&self, trailers: MetadataMap) {
        let slot = self.trailers.get_or_init(Mutex::default);
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(trailers));
    }

    /// Adds the metadata that was set to `to`. What tonic itself writes there stays.
    pub(super) fn add_trailers(&self, to: &mut HeaderMap) {
        let Some(slot) = self.trailers.get() else { return };
        let trailers = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(trailers) = trailers.map(|trailers| trailers.into_headers()) else { return };
        for (name, value) in &trailers {
            if !name.as_str().starts_with("grpc-") {
                to.append(name, value.clone());
            }
        }
    }
}
