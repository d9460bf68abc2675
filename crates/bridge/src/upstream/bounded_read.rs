//! Limits how much is read from an upstream at a time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::first_settings::FirstSettings;

/// About how many bytes are read before the task yields. They fit into the processor's cache until the calls have read them.
const READ_BUDGET: usize = 256 * 1024;

/// A connection that yields to other tasks after each [`READ_BUDGET`].
///
/// One task reads what an upstream sends, and the tasks of the calls pass it on. Without this, an upstream that sends without
/// pause would have megabytes read before the first call runs, and they would have left the cache by then.
pub(super) struct BoundedRead<T> {
    inner: T,
    remaining: usize,
    /// `None` once it has been read.
    settings: Option<FirstSettings>,
}

impl<T> BoundedRead<T> {
    pub(super) const fn new(inner: T) -> Self {
        Self { inner, remaining: READ_BUDGET, settings: None }
    }

    /// Reads the upstream's SETTINGS as they pass.
    pub(super) fn with_settings(mut self, settings: FirstSettings) -> Self {
        self.settings = Some(settings);
        self
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for BoundedRead<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.remaining == 0 {
            self.remaining = READ_BUDGET;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        self.remaining = self.remaining.saturating_sub(buffer.filled().len() - before);
        if let Some(settings) = &mut self.settings
            && settings.read(&buffer.filled()[before..])
        {
            self.settings = None;
        }
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
    struct WakeCount(AtomicUsize);

    impl Wake for WakeCount {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Reads until the first `Pending`, and returns how many bytes that was.
    fn read(reader: &mut BoundedRead<impl AsyncRead + Unpin>, waker: &Waker) -> usize {
        let (mut read, mut buffer) = (0, [0; 1000]);
        loop {
            let mut buffer = ReadBuf::new(&mut buffer);
            let polled = Pin::new(&mut *reader).poll_read(&mut Context::from_waker(waker), &mut buffer);
            if polled.is_pending() {
                return read;
            }
            read += buffer.filled().len();
        }
    }

    #[tokio::test]
    async fn it_yields_after_each_budget_and_wakes_itself() {
        let count = Arc::new(WakeCount::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut reader = BoundedRead::new(tokio::io::repeat(7));
        for turn in 1..=3 {
            let read = tokio::task::unconstrained(async { read(&mut reader, &waker) }).await;
            assert_eq!(read, READ_BUDGET.next_multiple_of(1000));
            assert_eq!(count.0.load(Ordering::Relaxed), turn);
        }
    }
}
