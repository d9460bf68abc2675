//! Drains a request whose response did not wait for its end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How much more is read, and for how long. Whoever still sends then is cut off.
const MAX_BYTES: usize = 1024 * 1024;
const MAX_TIME: Duration = Duration::from_secs(5);

/// The body of a request over HTTP/1.1. Dropped before its end, it is read on, and what comes is thrown away.
///
/// HTTP/1.1 has no way to stop a client that is still sending. Closing the connection under its hands may cost it the
/// answer (RFC 9112, section 9.6): it writes, is told that the pipe is broken, and never reads.
pub(crate) struct DrainRequest<B: Source>(Option<B>);

/// What can be read on.
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
            runtime.spawn(timeout(MAX_TIME, throw_away(body)));
        }
    }
}

async fn throw_away(mut body: impl Source) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MAX_BYTES {
            return;
        }
    }
}
