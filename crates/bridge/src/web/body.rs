//! A response body, in the form that its caller speaks.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};

use crate::body::Coalesce;
use drawbridge_core::Protocol;
use drawbridge_core::frame::TRAILERS;

/// A response body on its way to the caller. What is ready at one time goes out as one frame: for gRPC-Web the trailers
/// too, which become the last part of the body, and for the text form all of it in base64.
///
/// Nothing waits: a frame goes out as soon as nothing more is ready behind it. An error of the inner body comes after
/// everything that was ready before it, and breaks the body off: it is no end with a status. The connection gets one turn to
/// send what it has before the error, because it discards that when the body fails.
pub struct GrpcWebBody<B: HttpBody> {
    inner: B,
    protocol: Protocol,
    /// `Err` is what the inner body yields instead of data: trailers, an error, or its end.
    coalesce: Coalesce<Option<Result<Frame<Bytes>, B::Error>>>,
    over: bool,
    /// The error that breaks the body off with the next poll.
    error: Option<B::Error>,
}

impl<B: HttpBody> GrpcWebBody<B> {
    pub(crate) fn new(inner: B, protocol: Protocol) -> Self {
        let over = inner.is_end_stream();
        Self { inner, protocol, coalesce: Coalesce::new(), over, error: None }
    }
}

// Nothing in it is pinned but the inner body.
impl<B: HttpBody + Unpin> Unpin for GrpcWebBody<B> {}

impl<B> HttpBody for GrpcWebBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Self { inner, protocol, coalesce, over, error } = &mut *self;
        if let Some(error) = error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let polled = coalesce.poll(|| {
            loop {
                if *over {
                    return Poll::Ready(Err(None));
                }
                let polled = ready!(Pin::new(&mut *inner).poll_frame(cx));
                let Some(Ok(frame)) = polled else {
                    *over = true;
                    return Poll::Ready(Err(polled));
                };
                *over = frame.is_trailers() || inner.is_end_stream();
                match frame.into_data() {
                    Ok(data) => return Poll::Ready(Ok(data)),
                    Err(frame) => match frame.into_trailers() {
                        Ok(trailers) if *protocol != Protocol::Grpc => {
                            return Poll::Ready(Ok(trailers_frame(&trailers)));
                        }
                        Ok(trailers) => return Poll::Ready(Err(Some(Ok(Frame::trailers(trailers))))),
                        // There are no other frames.
                        Err(_) => {}
                    },
                }
            }
        });
        Poll::Ready(match ready!(polled) {
            Ok(data) if *protocol == Protocol::GrpcWebText => {
                Some(Ok(Frame::data(STANDARD.encode(data).into())))
            }
            Ok(data) => Some(Ok(Frame::data(data))),
            Err(Some(Err(failure))) => {
                *error = Some(failure);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Err(end) => end,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.over && self.error.is_none() && matches!(self.coalesce.peek(), None | Some(Err(None)))
    }
}

/// Puts trailers into the frame that carries them in gRPC-Web: as lines of an HTTP/1.1 head, with repeated names.
fn trailers_frame(trailers: &HeaderMap) -> Bytes {
    let length: usize =
        trailers.iter().map(|(name, value)| name.as_str().len() + value.len() + ":\r\n".len()).sum();
    let mut frame = BytesMut::with_capacity(5 + length);
    frame.put_u8(TRAILERS);
    // Header lists are limited to far less than a u32 counts.
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    for (name, value) in trailers {
        frame.put_slice(name.as_str().as_bytes());
        frame.put_u8(b':');
        frame.put_slice(value.as_bytes());
        frame.put_slice(b"\r\n");
    }
    frame.freeze()
}

#[cfg(test)]
mod tests;
