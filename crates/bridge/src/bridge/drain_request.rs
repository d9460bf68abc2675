//! Drains a request whose response did not wait for its end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How much more is read, and for how long. A client that sends more is cut off.
const MAX_BYTES: usize = 1024 * 1024;
const MAX_TIME: Duration = Duration::from_secs(5);

/// The body of a request over HTTP/1.1. If it is dropped before its end, the rest is read and discarded.
///
/// HTTP/1.1 has no way to stop a client that is still sending. If the connection is closed meanwhile, the client may lose the
/// response (RFC 9112, section 9.6): its write fails with a broken pipe, and it never reads.
pub(crate) struct DrainRequest<B: Source>(Option<B>);

/// A body that can be drained in a task.
pub(crate) trait Source: HttpBody<Data = Bytes> + Send + Unpin + 'static {}
impl<B: HttpBody<Data = Bytes> + Send + Unpin + 'static> Source for B {}

impl<B: Source> DrainRequest<B> {
    pub(crate) const fn new(body: B) -> Self {
        Self(Some(body))
    }
}

impl<B: Source> HttpBody for DrainRequest<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.0 = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl<B: Source> Drop for DrainRequest<B> {
    fn drop(&mut self) {
        if let Some(body) = self.0.take().filter(|body| !body.is_end_stream())
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(timeout(MAX_TIME, discard(body)));
        }
    }
}

async fn discard(mut body: impl Source) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MAX_BYTES {
            return;
        }
    }
}
