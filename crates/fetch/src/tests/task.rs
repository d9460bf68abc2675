//! Polls futures and streams by hand.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::Stream;

/// A future or stream that is polled by hand. It is polled again only after it was woken, so that a missing wake-up
/// makes the test fail.
pub(super) struct Task<T> {
    work: T,
    woken: Arc<Woken>,
    waiting: bool,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<T: Unpin> Task<T> {
    /// Creates a task that is not polled yet.
    pub(super) fn spawn(work: T) -> Self {
        Self { work, woken: Arc::new(Woken(AtomicBool::new(true))), waiting: false }
    }

    /// Returns what it polls.
    pub(super) fn get(&self) -> &T {
        &self.work
    }

    fn poll<O>(&mut self, poll: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<O>) -> Option<O> {
        let woken = self.woken.0.swap(false, Ordering::Relaxed);
        if self.waiting && !woken {
            return None;
        }
        let waker = Waker::from(Arc::clone(&self.woken));
        match poll(Pin::new(&mut self.work), &mut Context::from_waker(&waker)) {
            Poll::Ready(output) => {
                self.waiting = false;
                Some(output)
            }
            Poll::Pending => {
                self.waiting = true;
                None
            }
        }
    }
}

impl<F: Future + Unpin> Task<F> {
    /// Polls it if it was woken.
    pub(super) fn run(&mut self) -> Option<F::Output> {
        self.poll(Future::poll)
    }

    /// Polls it if it was woken, and panics if it waits.
    pub(super) fn output(mut self) -> F::Output {
        self.run().expect("the task was woken and has ended")
    }
}

impl<S: Stream + Unpin> Task<S> {
    /// Polls it for its next item if it was woken.
    pub(super) fn poll_next(&mut self) -> Poll<Option<S::Item>> {
        self.poll(Stream::poll_next).map_or(Poll::Pending, Poll::Ready)
    }
}
