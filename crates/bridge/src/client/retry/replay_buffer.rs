//! What was sent of a request, kept for as long as it may have to be sent again.

use bytes::Bytes;

/// The pieces of a request that were sent so far, up to a number of bytes. A request that is longer is forgotten as a
/// whole, and cannot be sent again.
pub(crate) struct ReplayBuffer {
    pieces: Vec<Bytes>,
    /// How many bytes have come so far.
    bytes: usize,
    most: usize,
    /// Whether what has come is still all there, and is to be kept.
    whole: bool,
}

impl ReplayBuffer {
    /// Keeps up to so many bytes.
    pub(crate) const fn up_to(most: usize) -> Self {
        Self { pieces: Vec::new(), bytes: 0, most, whole: true }
    }

    /// Keeps what is sent now.
    pub(crate) fn keep(&mut self, piece: &Bytes) {
        self.bytes += piece.len();
        if self.whole && self.bytes <= self.most {
            self.pieces.push(piece.clone());
        } else {
            self.forget();
        }
    }

    /// Keeps no more: there will be no other attempt. What is there stays until the next piece comes, for an attempt that
    /// is still sending it.
    pub(crate) fn stop(&mut self) {
        self.whole = false;
    }

    /// Keeps no more, and nothing of what is there.
    pub(crate) fn forget(&mut self) {
        self.whole = false;
        self.pieces = Vec::new();
    }

    /// Tells whether the request can be sent again.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Tells whether nothing has come so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(crate) fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// Takes out what is kept, to be sent and kept again, or returns `None` where the request is not whole.
    pub(crate) fn take(&mut self) -> Option<Vec<Bytes>> {
        if !self.whole {
            return None;
        }
        self.bytes = 0;
        Some(std::mem::take(&mut self.pieces))
    }
}
