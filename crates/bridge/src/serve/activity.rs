//! What happens on a connection: its requests, and whether it waits for its peer.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

use super::resets::Resets;
use super::stream_task::{self, Polled};

/// What happens on a connection, as its stream and its requests report it.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// How many requests have no complete response yet.
    open_requests: AtomicUsize,
    /// Whether the peer has sent a whole head, or HTTP/2's preface with its SETTINGS.
    is_established: AtomicBool,
    is_http2: AtomicBool,
    /// Whether bytes have arrived which may be a part of a head.
    is_reading_head: AtomicBool,
    /// Whether the peer does not read what is written.
    is_write_blocked: AtomicBool,
    /// The most streams that the connection may have open.
    max_streams: u32,
    resets: Mutex<Resets>,
    /// Whether the peer has reset too many streams.
    is_abusive: AtomicBool,
    /// Wakes the connection, for it to end.
    connection: AtomicWaker,
}

impl Activity {
    pub(super) fn new(max_streams: u32) -> Self {
        Self { max_streams, ..Self::default() }
    }

    /// Counts a request until the result is dropped.
    pub(super) fn request_began(self: &Arc<Self>) -> OpenRequest {
        self.open_requests.fetch_add(1, Ordering::Relaxed);
        self.is_reading_head.store(false, Ordering::Relaxed);
        self.is_established.store(true, Ordering::Relaxed);
        OpenRequest { activity: Arc::clone(self), is_complete: false }
    }

    /// Records that the peer speaks HTTP/2, and has sent its SETTINGS.
    pub(super) fn http2_began(&self) {
        self.is_http2.store(true, Ordering::Relaxed);
        self.is_established.store(true, Ordering::Relaxed);
        self.is_reading_head.store(false, Ordering::Relaxed);
    }

    /// Records that bytes have arrived.
    pub(super) fn bytes_arrived(&self) {
        if !self.is_http2() && !self.has_open_requests() {
            self.is_reading_head.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn set_write_blocked(&self, is_blocked: bool) {
        if self.is_write_blocked() != is_blocked {
            self.is_write_blocked.store(is_blocked, Ordering::Relaxed);
        }
    }

    /// Returns whether the peer has reset too many streams. If not, `waker` is woken when it has.
    pub(super) fn is_abusive(&self, waker: &Waker) -> bool {
        self.connection.register(waker);
        self.is_abusive.load(Ordering::Relaxed)
    }

    fn request_ended(&self, is_complete: bool) {
        self.open_requests.fetch_sub(1, Ordering::Relaxed);
        if !self.is_http2() {
            return;
        }
        let mut resets = self.resets.lock().unwrap_or_else(PoisonError::into_inner);
        if is_complete {
            resets.completed();
        } else if resets.reset(self.max_streams, Instant::now())
            && !self.is_abusive.swap(true, Ordering::Relaxed)
        {
            tracing::debug!("a client has reset too many streams");
            self.connection.wake();
        }
    }

    pub(super) fn has_open_requests(&self) -> bool {
        self.open_requests.load(Ordering::Relaxed) > 0
    }

    pub(super) fn is_established(&self) -> bool {
        self.is_established.load(Ordering::Relaxed)
    }

    pub(super) fn is_http2(&self) -> bool {
        self.is_http2.load(Ordering::Relaxed)
    }

    /// Returns whether the peer has sent a part of a head, and not the rest.
    pub(super) fn is_reading_head(&self) -> bool {
        self.is_reading_head.load(Ordering::Relaxed)
    }

    pub(super) fn is_write_blocked(&self) -> bool {
        self.is_write_blocked.load(Ordering::Relaxed)
    }
}

/// A request, until its response is complete or dropped.
#[derive(Debug)]
pub(super) struct OpenRequest {
    activity: Arc<Activity>,
    /// Whether the whole response was handed to hyper.
    is_complete: bool,
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.activity.request_ended(self.is_complete);
    }
}

/// How much of a response is handed to hyper at a time over HTTP/2: the least that a client has to read for its stream not to stall.
const MAX_PART: usize = 64 * 1024;

/// The least that HTTP/2 sends in one frame, unless there is no more.
const FRAME: usize = 16 * 1024;

/// Returns how much of so many bytes is handed to hyper first.
///
/// hyper hands a part to `h2` as soon as the client takes some of it, and then asks for more, so a last part of its own, of no more than
/// a frame, makes it wait until the client takes the rest too. It costs no more frames.
fn first_part(length: usize) -> usize {
    match length {
        0..=FRAME => length,
        _ => ((length - 1) / FRAME * FRAME).min(MAX_PART),
    }
}

pin_project_lite::pin_project! {
    /// A response body that keeps its request open until it is dropped, which hyper does at its end.
    #[derive(Debug)]
    pub(super) struct TrackedBody<B> {
        #[pin]
        inner: B,
        // What is left of a frame.
        rest: Bytes,
        request: OpenRequest,
    }
}

impl<B: HttpBody> TrackedBody<B> {
    pub(super) fn new(inner: B, mut request: OpenRequest) -> Self {
        // hyper does not poll a body that has ended.
        request.is_complete = inner.is_end_stream();
        Self { inner, rest: Bytes::new(), request }
    }
}

impl<B: HttpBody<Data = Bytes>> HttpBody for TrackedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        if !this.rest.is_empty() {
            let part = this.rest.split_to(first_part(this.rest.len()));
            stream_task::record(Polled::Frame);
            this.request.is_complete = this.rest.is_empty() && this.inner.is_end_stream();
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        let mut polled = this.inner.as_mut().poll_frame(cx);
        stream_task::record(if polled.is_pending() { Polled::Pending } else { Polled::Frame });
        if let Poll::Ready(Some(Ok(frame))) = &mut polled
            && let Some(data) = frame.data_mut()
            && data.len() > FRAME
            && this.request.activity.is_http2()
        {
            *this.rest = data.split_off(first_part(data.len()));
        }
        this.request.is_complete = match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                frame.is_trailers() || (this.rest.is_empty() && this.inner.is_end_stream())
            }
            Poll::Ready(end) => end.is_none(),
            Poll::Pending => false,
        };
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // It is asked for the length of the whole response only.
        if self.rest.is_empty() { self.inner.size_hint() } else { SizeHint::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::task::Wake;

    use futures_util::stream;
    use http_body_util::{BodyExt as _, Empty, StreamBody};

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Begins and drops so many requests, of which every `nth` has a complete response. Returns whether these are too many resets.
    fn is_abusive(is_http2: bool, count: u32, nth: u32) -> bool {
        let activity = Arc::new(Activity::new(200));
        if is_http2 {
            activity.http2_began();
        }
        for number in 0..count {
            let mut request = activity.request_began();
            request.is_complete = nth > 0 && number % nth == 0;
        }
        assert!(!activity.has_open_requests());
        activity.is_abusive(Waker::noop())
    }

    #[tokio::test(start_paused = true)]
    async fn only_resets_over_http2_are_counted() {
        assert!(!is_abusive(true, 500, 0) && is_abusive(true, 501, 0));
        assert!(!is_abusive(true, 2_000, 1), "complete responses");
        assert!(!is_abusive(true, 2_000, 2), "half of them are complete");
        assert!(is_abusive(true, 2_000, 3), "a third of them are complete");
        assert!(!is_abusive(false, 2_000, 0), "a closed connection is no reset");
    }

    #[tokio::test(start_paused = true)]
    async fn the_connection_is_woken_to_end_when_there_are_too_many_resets() {
        let activity = Arc::new(Activity::new(200));
        activity.http2_began();
        let wakes = Arc::new(Wakes::default());
        assert!(!activity.is_abusive(&Waker::from(Arc::clone(&wakes))));
        for _ in 0..501 {
            drop(activity.request_began());
        }
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_body_is_complete_when_its_end_was_handed_over() {
        let activity = Arc::new(Activity::new(200));
        activity.http2_began();
        let body = |frames: usize| {
            let frame = || Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x")));
            let frames = stream::iter((0..frames).map(move |_| frame()));
            TrackedBody::new(StreamBody::new(frames), activity.request_began())
        };
        let mut half = body(2);
        let _ = half.frame().await;
        assert!(!half.request.is_complete, "more may follow");
        let mut whole = body(1);
        while whole.frame().await.is_some() {}
        assert!(whole.request.is_complete);
        let trailers = Ok::<_, Infallible>(Frame::<Bytes>::trailers(http::HeaderMap::new()));
        let trailers = StreamBody::new(stream::iter([trailers]));
        let mut trailers = TrackedBody::new(trailers, activity.request_began());
        let _ = trailers.frame().await;
        assert!(trailers.request.is_complete, "hyper reads nothing after trailers");
        let empty = TrackedBody::new(Empty::<Bytes>::new(), activity.request_began());
        assert!(empty.request.is_complete, "a response that is only a head");
    }

    #[test]
    fn a_response_is_handed_over_in_whole_frames_and_a_last_part_of_one_at_most() {
        for (length, parts) in [
            (1, vec![1]),
            (FRAME, vec![FRAME]),
            (FRAME + 1, vec![FRAME, 1]),
            (60_000, vec![3 * FRAME, 60_000 - 3 * FRAME]),
            (4 * FRAME, vec![3 * FRAME, FRAME]),
            (9 * FRAME, vec![4 * FRAME, 4 * FRAME, FRAME]),
        ] {
            let (mut left, mut handed) = (length, Vec::new());
            while left > 0 {
                handed.push(first_part(left));
                left -= first_part(left);
            }
            assert_eq!(handed, parts, "{length}");
        }
    }
}
