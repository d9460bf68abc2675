//! Joins small chunks of data into larger ones.

use std::task::Poll;

use bytes::{Bytes, BytesMut};

/// The length of the longest chunk that is copied behind the one before it. Up to this length, a copy costs less than
/// another frame.
pub(crate) const MAX_COPIED: usize = 4 * 1024;

/// The initial capacity of a joined chunk: room for a few short messages and their trailers.
const INITIAL_CAPACITY: usize = 512;

/// The length of the longest joined chunk.
pub(crate) const MAX_COALESCED: usize = 16 * 1024;

/// Joins the chunks of data that a source has ready at one time, in order. It never waits for more.
///
/// `E` is what the source yields instead of data: its end, trailers, or an error.
pub(crate) struct Coalesce<E> {
    /// What was ready behind the last chunk and could not be joined with it.
    next: Option<Result<Bytes, E>>,
}

impl<E> Coalesce<E> {
    pub(crate) const fn new() -> Self {
        Self { next: None }
    }

    /// Polls the source until it has nothing more ready, or the chunk is long enough, and returns the joined data.
    ///
    /// `Err` is what the source yielded instead of data. The source is not polled behind it until it has been returned.
    pub(crate) fn poll(
        &mut self,
        mut source: impl FnMut() -> Poll<Result<Bytes, E>>,
    ) -> Poll<Result<Bytes, E>> {
        let mut chunk = Chunk::default();
        loop {
            let polled = match self.next.take() {
                Some(next) => Poll::Ready(next),
                None => source(),
            };
            match polled {
                Poll::Ready(Ok(data)) => {
                    if let Err(data) = chunk.push(data) {
                        self.next = Some(Ok(data));
                        break;
                    }
                    if chunk.is_full() {
                        break;
                    }
                }
                Poll::Ready(Err(end)) if chunk.is_empty() => return Poll::Ready(Err(end)),
                Poll::Ready(Err(end)) => {
                    self.next = Some(Err(end));
                    break;
                }
                Poll::Pending if chunk.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(chunk.into_bytes()))
    }

    /// Returns what the next poll begins with, if it is known.
    pub(crate) fn peek(&self) -> Option<&Result<Bytes, E>> {
        self.next.as_ref()
    }
}

/// Joined data. The first piece is not copied unless another one follows.
#[derive(Default)]
struct Chunk {
    first: Bytes,
    joined: Option<BytesMut>,
}

impl Chunk {
    fn len(&self) -> usize {
        self.joined.as_ref().map_or(self.first.len(), BytesMut::len)
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether no further piece can be added.
    fn is_full(&self) -> bool {
        self.len() >= if self.joined.is_some() { MAX_COALESCED } else { MAX_COPIED }
    }

    /// Adds a piece. Returns it if it is too long to be copied.
    fn push(&mut self, piece: Bytes) -> Result<(), Bytes> {
        if self.is_empty() {
            self.first = piece;
            return Ok(());
        }
        if piece.len() > MAX_COPIED || self.len() + piece.len() > MAX_COALESCED {
            return Err(piece);
        }
        let first = &self.first;
        let joined = self.joined.get_or_insert_with(|| {
            let length = first.len() + piece.len();
            let mut joined = BytesMut::with_capacity(length.next_power_of_two().max(INITIAL_CAPACITY));
            joined.extend_from_slice(first);
            joined
        });
        if joined.capacity() - joined.len() < piece.len() {
            // A source that exceeds the initial capacity likely has many pieces ready.
            joined.reserve(MAX_COALESCED - joined.len());
        }
        joined.extend_from_slice(&piece);
        Ok(())
    }

    fn into_bytes(self) -> Bytes {
        self.joined.map_or(self.first, BytesMut::freeze)
    }
}
