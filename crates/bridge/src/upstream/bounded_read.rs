//! Reads from an upstream in portions.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is read at a time, about: what the processor keeps at hand until the calls have taken it.
const PORTION: usize = 256 * 1024;

/// A connection that lets others have their turn after each portion that was read.
///
/// What an upstream sends is read by one task, and handed on by those of its calls. An upstream that sends without a
/// pause would have megabytes read before the first of them comes to it, which are then fetched from far memory.
pub(super) struct BoundedRead<T> {
    inner: T,
    left: usize,
}

impl<T> BoundedRead<T> {
    pub(super) const fn new(inner: T) -> Self {
        Self { inner, left: PORTION }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for BoundedRead<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            self.left = PORTION;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        self.left = self.left.saturating_sub(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for BoundedRead<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Reads until it has to wait, and returns how much that was.
    fn read(paced: &mut BoundedRead<impl AsyncRead + Unpin>, waker: &Waker) -> usize {
        let (mut read, mut buffer) = (0, [0; 1000]);
        loop {
            let mut buffer = ReadBuf::new(&mut buffer);
            let polled = Pin::new(&mut *paced).poll_read(&mut Context::from_waker(waker), &mut buffer);
            if polled.is_pending() {
                return read;
            }
            read += buffer.filled().len();
        }
    }

    #[tokio::test]
    async fn each_portion_ends_in_a_turn_for_others_and_goes_on_by_itself() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut paced = BoundedRead::new(tokio::io::repeat(7));
        for turn in 1..=3 {
            let read = tokio::task::unconstrained(async { read(&mut paced, &waker) }).await;
            assert_eq!(read, PORTION.next_multiple_of(1000));
            assert_eq!(woken.0.load(Ordering::Relaxed), turn);
        }
    }
}
