//! Runs the streams of HTTP/2 connections, and ends those whose peer does not read.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use crate::call::drop_stalled;

/// How often a stream that waits for its peer is looked at within the timeout.
const CHECKS: u8 = 4;

/// What a response body has returned to hyper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Polled {
    /// Nothing: it was not polled. hyper does not poll while it cannot send what it has.
    Not,
    /// That it waits for the handler.
    Pending,
    /// Something to send.
    Frame,
}

thread_local! {
    /// What the body of the stream that this thread polls has returned last. The body is inside of hyper's future, to which nothing else leads.
    static POLLED: Cell<Polled> = const { Cell::new(Polled::Not) };
}

/// Records what a response body returns.
pub(super) fn record(polled: Polled) {
    POLLED.set(polled);
}

/// Runs what hyper spawns: the streams of HTTP/2 connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamExecutor {
    reader_timeout: Duration,
}

impl StreamExecutor {
    /// Creates an executor that drops a stream whose peer has not taken anything for this time.
    pub(super) const fn new(reader_timeout: Duration) -> Self {
        Self { reader_timeout }
    }
}

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for StreamExecutor {
    fn execute(&self, stream: F) {
        tokio::spawn(StreamTask::new(stream, self.reader_timeout));
    }
}

pin_project! {
    /// A stream, which is dropped when its peer does not read: hyper resets it then, and its call ends.
    ///
    /// A stream that never waits for its peer has no timer, and one that does has one, which is not reset while it goes on.
    struct StreamTask<F> {
        #[pin]
        stream: Option<F>,
        timeout: Duration,
        timer: Option<Pin<Box<Sleep>>>,
        // Whether hyper has something that it cannot send.
        is_blocked: bool,
        // Whether it could send something since the last check.
        has_progressed: bool,
        // How many checks in a row have found no progress.
        missed: u8,
    }
}

impl<F> StreamTask<F> {
    const fn new(stream: F, timeout: Duration) -> Self {
        Self {
            stream: Some(stream),
            timeout,
            timer: None,
            is_blocked: false,
            has_progressed: false,
            missed: 0,
        }
    }
}

impl<F: Future> Future for StreamTask<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(stream) = this.stream.as_mut().as_pin_mut() else { return Poll::Ready(()) };
        record(Polled::Not);
        if stream.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        match POLLED.get() {
            Polled::Not => {}
            Polled::Pending => *this.is_blocked = false,
            Polled::Frame => {
                *this.is_blocked = true;
                *this.has_progressed = true;
            }
        }
        if !*this.is_blocked {
            return Poll::Pending;
        }
        let interval = *this.timeout / u32::from(CHECKS);
        let timer = this.timer.get_or_insert_with(|| {
            *this.has_progressed = false;
            Box::pin(sleep(interval))
        });
        loop {
            ready!(timer.as_mut().poll(cx));
            if std::mem::take(this.has_progressed) {
                *this.missed = 0;
            } else {
                *this.missed += 1;
            }
            if *this.missed == CHECKS {
                tracing::debug!(after = ?this.timeout, "reset a stream whose peer does not read");
                drop_stalled(*this.timeout, || this.stream.set(None));
                return Poll::Ready(());
            }
            timer.as_mut().reset(Instant::now() + interval);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(120);

    /// Runs a stream that reports this whenever it is polled, and is polled once in each of these intervals. Returns when it was
    /// dropped.
    async fn dropped_after(intervals: Vec<(Duration, Polled)>) -> Option<Duration> {
        let start = Instant::now();
        let mut intervals = intervals.into_iter();
        let mut next = Box::pin(sleep(Duration::ZERO));
        let mut report = Polled::Not;
        let stream = poll_fn(move |cx| {
            while next.as_mut().poll(cx).is_ready() {
                record(report);
                let Some((interval, polled)) = intervals.next() else { return Poll::Ready(()) };
                report = polled;
                next.as_mut().reset(Instant::now() + interval);
            }
            Poll::Pending
        });
        let (ended, is_ended) = tokio::sync::oneshot::channel::<()>();
        let task = StreamTask::new(
            async move {
                stream.await;
                let _ = ended.send(());
            },
            TIMEOUT,
        );
        task.await;
        is_ended.await.is_err().then(|| start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_cannot_send_is_dropped() {
        let blocked = vec![(Duration::ZERO, Polled::Frame), (TIMEOUT * 100, Polled::Not)];
        let after = dropped_after(blocked).await.expect("it is dropped");
        assert!((TIMEOUT..TIMEOUT + Duration::from_secs(1)).contains(&after), "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_waits_for_its_handler_stays() {
        let waiting = vec![
            (Duration::ZERO, Polled::Frame),
            (Duration::ZERO, Polled::Pending),
            (TIMEOUT * 100, Polled::Not),
        ];
        assert_eq!(dropped_after(waiting).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_whose_head_is_not_sent_stays() {
        assert_eq!(dropped_after(vec![(TIMEOUT * 100, Polled::Not)]).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_sends_slowly_stays() {
        let slow = vec![(TIMEOUT * 3 / 4, Polled::Frame); 100];
        assert_eq!(dropped_after(slow).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_stops_later_is_dropped() {
        let mut stops = vec![(TIMEOUT / 2, Polled::Frame); 10];
        stops.push((TIMEOUT * 100, Polled::Not));
        let after = dropped_after(stops).await.expect("it is dropped");
        assert!((TIMEOUT * 6..=TIMEOUT * 25 / 4).contains(&after), "{after:?}");
    }
}
