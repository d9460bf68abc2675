//! What was sent of a request, while it may have to be sent again.

use bytes::Bytes;

/// How many bytes of a request are buffered for a call that has a retry policy.
pub(crate) const MAX_REPLAY_BYTES: usize = 256 * 1024;

/// The chunks of a request that were sent so far. A request that exceeds the limit is not buffered at all, and cannot be
/// sent again.
pub(crate) struct ReplayBuffer {
    chunks: Vec<Bytes>,
    /// How many bytes were sent so far.
    sent_bytes: usize,
    max_bytes: usize,
    /// Whether all that was sent is in the buffer, and more is to be added.
    complete: bool,
}

impl ReplayBuffer {
    /// Creates a buffer of at most this many bytes.
    pub(crate) const fn new(max_bytes: usize) -> Self {
        Self { chunks: Vec::new(), sent_bytes: 0, max_bytes, complete: true }
    }

    /// Adds a chunk that is sent now.
    pub(crate) fn push(&mut self, chunk: &Bytes) {
        self.sent_bytes += chunk.len();
        if self.complete && self.sent_bytes <= self.max_bytes {
            self.chunks.push(chunk.clone());
        } else {
            self.discard();
        }
    }

    /// Stops buffering: there will be no other attempt. The chunks stay until the next one is sent, for an attempt that still
    /// sends them.
    pub(crate) fn stop(&mut self) {
        self.complete = false;
    }

    /// Stops buffering, and drops the chunks.
    pub(crate) fn discard(&mut self) {
        self.complete = false;
        self.chunks = Vec::new();
    }

    /// Returns whether the request can be sent again.
    pub(crate) const fn can_replay(&self) -> bool {
        self.complete
    }

    /// Returns whether nothing was sent so far.
    pub(crate) const fn is_empty(&self) -> bool {
        self.sent_bytes == 0
    }

    pub(crate) fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// Takes the chunks, which are added again when they are sent again. Returns `None` if the request cannot be sent again.
    pub(crate) fn take(&mut self) -> Option<Vec<Bytes>> {
        if !self.complete {
            return None;
        }
        self.sent_bytes = 0;
        Some(std::mem::take(&mut self.chunks))
    }
}
