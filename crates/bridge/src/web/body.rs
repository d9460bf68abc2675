//! A response body, in the form that its caller speaks.

use std::pin::Pin;
use std::task::{Context, Poll};

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
/// everything that was ready before it, and breaks the body off: it is no end with a status.
pub struct GrpcWebBody<B: HttpBody> {
    inner: B,
    protocol: Protocol,
    /// What was ready behind the last frame and could not go out with it.
    next: Option<Result<Frame<Bytes>, B::Error>>,
    over: bool,
}

impl<B: HttpBody> GrpcWebBody<B> {
    pub(crate) fn new(inner: B, protocol: Protocol) -> Self {
        let over = inner.is_end_stream();
        Self { inner, protocol, next: None, over }
    }
}

impl<B> GrpcWebBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(next) = self.next.take() {
            return Poll::Ready(Some(next));
        }
        if self.over {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        self.over = match &polled {
            Poll::Pending => false,
            Poll::Ready(Some(Ok(frame))) => frame.is_trailers() || self.inner.is_end_stream(),
            Poll::Ready(None | Some(Err(_))) => true,
        };
        polled
    }

    fn encode(&self, data: Bytes) -> Frame<Bytes> {
        Frame::data(match self.protocol {
            Protocol::GrpcWebText => STANDARD.encode(data).into(),
            _ => data,
        })
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
        let this = &mut *self;
        let mut ready = Coalesce::default();
        loop {
            let frame = match this.poll_inner(cx) {
                Poll::Ready(Some(Ok(frame))) => frame,
                end @ (Poll::Ready(_) | Poll::Pending) if ready.is_empty() => return end,
                Poll::Ready(Some(Err(error))) => {
                    this.next = Some(Err(error));
                    break;
                }
                Poll::Pending | Poll::Ready(None) => break,
            };
            let data = match frame.into_data() {
                Ok(data) => data,
                Err(frame) => match frame.into_trailers() {
                    Ok(trailers) if this.protocol != Protocol::Grpc => trailers_frame(&trailers),
                    Ok(trailers) if ready.is_empty() => {
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                    Ok(trailers) => {
                        this.next = Some(Ok(Frame::trailers(trailers)));
                        break;
                    }
                    // There are no other frames.
                    Err(_) => continue,
                },
            };
            if let Err(data) = ready.push(data) {
                this.next = Some(Ok(Frame::data(data)));
                break;
            }
            if ready.is_large() {
                break;
            }
        }
        Poll::Ready(Some(Ok(this.encode(ready.into_bytes()))))
    }

    fn is_end_stream(&self) -> bool {
        self.over && self.next.is_none()
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
