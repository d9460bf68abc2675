//! Pieces of a body that go out as one.

use bytes::{Bytes, BytesMut};

/// Up to this length, a piece is copied to the one before it: that costs less than to hand it on by itself.
pub(crate) const SMALL: usize = 4 * 1024;

/// What there is room for at first: a few short messages, with their trailers.
const MEDIUM: usize = 512;

/// The most that is put together.
pub(crate) const LARGE: usize = 16 * 1024;

/// Pieces that go out as one, in their order. A single piece is not copied.
#[derive(Default)]
pub(crate) struct Coalesce {
    first: Bytes,
    all: Option<BytesMut>,
}

impl Coalesce {
    fn len(&self) -> usize {
        self.all.as_ref().map_or(self.first.len(), BytesMut::len)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells whether any more would have to go into another piece.
    pub(crate) fn is_large(&self) -> bool {
        self.len() >= if self.all.is_some() { LARGE } else { SMALL }
    }

    /// Adds a piece, or gives it back where it is too long to be copied.
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<(), Bytes> {
        if self.is_empty() {
            self.first = piece;
            return Ok(());
        }
        if piece.len() > SMALL || self.len() + piece.len() > LARGE {
            return Err(piece);
        }
        let first = &self.first;
        let all = self.all.get_or_insert_with(|| {
            let mut all =
                BytesMut::with_capacity((first.len() + piece.len()).next_power_of_two().max(MEDIUM));
            all.extend_from_slice(first);
            all
        });
        if all.capacity() - all.len() < piece.len() {
            // What does not fit is likely many.
            all.reserve(LARGE - all.len());
        }
        all.extend_from_slice(&piece);
        Ok(())
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.all.map_or(self.first, BytesMut::freeze)
    }
}
