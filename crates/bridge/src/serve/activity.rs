//! What happens on a connection: its requests, and whether it waits for its peer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use http_body::{Body as HttpBody, Frame, SizeHint};

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
}

impl Activity {
    /// Counts a request until the result is dropped.
    pub(super) fn request_began(self: &Arc<Self>) -> OpenRequest {
        self.open_requests.fetch_add(1, Ordering::Relaxed);
        self.is_reading_head.store(false, Ordering::Relaxed);
        self.is_established.store(true, Ordering::Relaxed);
        OpenRequest(Arc::clone(self))
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
pub(super) struct OpenRequest(Arc<Activity>);

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.open_requests.fetch_sub(1, Ordering::Relaxed);
    }
}

pin_project_lite::pin_project! {
    /// A response body that keeps its request open until it is dropped, which hyper does at its end.
    #[derive(Debug)]
    pub(super) struct TrackedBody<B> {
        #[pin]
        inner: B,
        request: OpenRequest,
    }
}

impl<B> TrackedBody<B> {
    pub(super) const fn new(inner: B, request: OpenRequest) -> Self {
        Self { inner, request }
    }
}

impl<B: HttpBody> HttpBody for TrackedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
