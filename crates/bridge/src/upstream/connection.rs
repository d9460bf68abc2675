//! The state of a connection to an upstream, which its calls share.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use bytes::Bytes;
use h2::client::SendRequest;

use super::failure::Failure;
use super::health::Health;
use super::reset_budget::ResetBudget;
use crate::call::now;

/// The state of a connection, shared by its calls, its pool and its driver.
pub(super) struct Connection {
    /// Cloned for each call. When all clones are dropped, h2 closes the connection.
    pub(super) sender: SendRequest<Bytes>,
    /// The index of the upstream in the pool.
    pub(super) upstream: usize,
    /// Alive until it is closed.
    pub(super) is_open: Weak<()>,
    /// What its calls say of its address.
    pub(super) health: Arc<Health>,
    /// The upstream's `SETTINGS_MAX_HEADER_LIST_SIZE`, if it has one.
    pub(super) max_header_list_size: Option<u32>,
    /// How many streams are reserved or open.
    pub(super) open_streams: AtomicUsize,
    /// The upstream's `SETTINGS_MAX_CONCURRENT_STREAMS`.
    pub(super) max_streams: AtomicUsize,
    /// How often something was received from the upstream.
    received: AtomicUsize,
    /// Whether there was a call since the driver last looked.
    pub(super) used: AtomicBool,
    reset_budget: Mutex<ResetBudget>,
    /// Set when the upstream did not answer a ping. The calls on the connection fail with it.
    pub(super) keepalive_failure: OnceLock<Failure>,
}

impl Connection {
    pub(super) fn new(
        sender: SendRequest<Bytes>,
        upstream: usize,
        health: Arc<Health>,
        max_header_list_size: Option<u32>,
        is_open: Weak<()>,
    ) -> Self {
        let max_streams = sender.current_max_send_streams();
        Self {
            sender,
            upstream,
            is_open,
            health,
            max_header_list_size,
            open_streams: AtomicUsize::new(0),
            max_streams: AtomicUsize::new(max_streams),
            received: AtomicUsize::new(0),
            used: AtomicBool::new(true),
            reset_budget: Mutex::new(ResetBudget::new(now())),
            keepalive_failure: OnceLock::new(),
        }
    }

    /// Returns whether the upstream accepts one more stream.
    pub(super) fn has_capacity(&self) -> bool {
        self.open_streams.load(Ordering::Relaxed) < self.max_streams.load(Ordering::Relaxed)
    }

    /// Records that the upstream has sent something.
    pub(super) fn note_received(&self) {
        // Not a read-modify-write, which costs more: the count only has to change.
        self.received.store(self.received().wrapping_add(1), Ordering::Relaxed);
    }

    /// Returns how often something was received, about. It differs when something was received in between.
    pub(super) fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }

    /// Records that a stream was reset. `responded`: the upstream had begun its response. Returns whether the connection is
    /// within its budget of resets.
    pub(super) fn note_reset(&self, responded: bool) -> bool {
        self.reset_budget.lock().unwrap_or_else(PoisonError::into_inner).spend(now(), responded)
    }

    /// Returns why a call on this connection failed with an HTTP/2 error.
    pub(super) fn failure(&self, authority: &str, error: &h2::Error) -> Failure {
        match self.keepalive_failure.get() {
            Some(failure) if !(error.is_remote() && error.is_reset()) => failure.clone().at(authority),
            _ => Failure::from_h2(authority, error),
        }
    }
}
