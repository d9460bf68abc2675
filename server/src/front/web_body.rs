//! An answer's body, in the form that its caller speaks.

use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tonic::Status;

use super::content_type::FrontProtocol;
use crate::gathered::Gathered;

/// The flag of the frame that carries trailers.
const TRAILERS: u8 = 0x80;

/// The body of an answer on its way out: what is ready at one time goes out as one piece, trailers included where the
/// form has them in the body, and in base64 where it is text.
///
/// Nothing is held back: a piece goes out as soon as nothing more is ready behind it.
pub(crate) struct WebBody<B> {
    inner: B,
    protocol: FrontProtocol,
    /// What was ready behind the piece that went out last, and could not go with it.
    next: Option<Frame<Bytes>>,
    over: bool,
}

impl<B: HttpBody> WebBody<B> {
    pub(crate) fn new(inner: B, protocol: FrontProtocol) -> Self {
        let over = inner.is_end_stream();
        Self { inner, protocol, next: None, over }
    }
}

impl<B> WebBody<B>
where
    B: HttpBody<Data = Bytes, Error = Status> + Unpin,
{
    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(next) = self.next.take() {
            return Poll::Ready(Some(Ok(next)));
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

    /// Encodes a piece as the form demands.
    fn encode(&self, piece: Bytes) -> Frame<Bytes> {
        Frame::data(match self.protocol {
            FrontProtocol::GrpcWebText => STANDARD.encode(piece).into(),
            FrontProtocol::Grpc | FrontProtocol::GrpcWeb => piece,
        })
    }
}

impl<B> HttpBody for WebBody<B>
where
    B: HttpBody<Data = Bytes, Error = Status> + Unpin,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let mut gathered = Gathered::default();
        loop {
            let frame = match this.poll_inner(cx) {
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(error))) if gathered.is_empty() => return Poll::Ready(Some(Err(error))),
                Poll::Pending if gathered.is_empty() => return Poll::Pending,
                Poll::Ready(None) if gathered.is_empty() => return Poll::Ready(None),
                Poll::Pending | Poll::Ready(None | Some(Err(_))) => break,
            };
            let piece = match frame.into_data() {
                Ok(piece) => piece,
                Err(frame) => match frame.into_trailers() {
                    Ok(trailers) if this.protocol != FrontProtocol::Grpc => trailers_frame(&trailers),
                    Ok(trailers) if gathered.is_empty() => {
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                    Ok(trailers) => {
                        this.next = Some(Frame::trailers(trailers));
                        break;
                    }
                    // There are no others.
                    Err(_) => continue,
                },
            };
            if let Err(piece) = gathered.push(piece) {
                this.next = Some(Frame::data(piece));
                break;
            }
            if gathered.is_large() {
                break;
            }
        }
        Poll::Ready(Some(Ok(this.encode(gathered.into_bytes()))))
    }

    fn is_end_stream(&self) -> bool {
        self.over && self.next.is_none()
    }
}

/// Puts trailers into the frame that carries them in gRPC-Web: as lines of an HTTP/1.1 head, duplicates and all.
fn trailers_frame(trailers: &HeaderMap) -> Bytes {
    let length: usize =
        trailers.iter().map(|(name, value)| name.as_str().len() + value.len() + ":\r\n".len()).sum();
    let mut frame = BytesMut::with_capacity(5 + length);
    frame.put_u8(TRAILERS);
    // A list of headers is limited to far less.
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
