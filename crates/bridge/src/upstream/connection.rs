//! A connection to an upstream, as the calls on it see it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use h2::client::SendRequest;

use super::failure::Failure;
use super::reset_budget::Resets;
use crate::call::now;

/// A connection, as the calls on it see it.
pub(super) struct Connection {
    /// To be cloned for each call. When the last one is gone, HTTP/2 closes the connection.
    pub(super) sender: SendRequest<Bytes>,
    /// Which of the pool's addresses it goes to.
    pub(super) address: usize,
    /// How many calls are on it.
    pub(super) open: AtomicUsize,
    /// How many the upstream takes at a time.
    pub(super) limit: AtomicUsize,
    /// Whether the upstream has answered anything since it was looked at last.
    pub(super) heard: AtomicBool,
    /// Whether there was a call since it was looked at last.
    pub(super) used: AtomicBool,
    resets: Mutex<Resets>,
    /// Why it was given up, where its calls cannot know.
    pub(super) given_up: OnceLock<Failure>,
}

impl Connection {
    pub(super) fn new(sender: SendRequest<Bytes>, address: usize) -> Self {
        let limit = sender.current_max_send_streams();
        Self {
            sender,
            address,
            open: AtomicUsize::new(0),
            limit: AtomicUsize::new(limit),
            heard: AtomicBool::new(true),
            used: AtomicBool::new(true),
            resets: Mutex::new(Resets::new(now())),
            given_up: OnceLock::new(),
        }
    }

    /// Tells whether one more call may go here.
    pub(super) fn has_room(&self) -> bool {
        self.open.load(Ordering::Relaxed) < self.limit.load(Ordering::Relaxed)
    }

    /// Notes that the upstream has answered something.
    pub(super) fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Notes that a call was left, and tells whether the connection can take more of that.
    pub(super) fn note_reset(&self, answered: bool) -> bool {
        self.resets.lock().unwrap_or_else(PoisonError::into_inner).note(now(), answered)
    }

    /// Returns why a call on this connection failed with an error of HTTP/2.
    pub(super) fn failure(&self, authority: &str, error: &h2::Error) -> Failure {
        match self.given_up.get() {
            Some(failure) if !(error.is_remote() && error.is_reset()) => failure.clone(),
            _ => Failure::of_h2(authority, error),
        }
    }
}

/// A stream of a connection that is reserved for one call. Dropping it gives the stream back.
pub(super) struct Slot {
    connection: Arc<Connection>,
    held: bool,
}

impl Slot {
    /// Reserves a stream.
    pub(super) fn new(connection: &Arc<Connection>) -> Self {
        connection.open.fetch_add(1, Ordering::Relaxed);
        connection.used.store(true, Ordering::Relaxed);
        Self { connection: Arc::clone(connection), held: true }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Gives the stream back before the drop.
    pub(super) fn release(&mut self) {
        if std::mem::take(&mut self.held) {
            self.connection.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.release();
    }
}
