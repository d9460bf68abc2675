//! A stream that reports what its peer sends and takes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::line_ends::{HEAD_END, LineEnds};

/// The first bytes of an HTTP/2 connection (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The length of the header of an HTTP/2 frame.
const FRAME_HEADER: usize = 9;

/// GOAWAY with `ENHANCE_YOUR_CALM` (RFC 9113, sections 6.8 and 7). It says that any stream may have been processed.
const CALM: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0xb];

/// A stream that reports to an [`Activity`] whether bytes arrive, whether HTTP/2 has begun, and whether the peer reads.
#[derive(Debug)]
pub(super) struct WatchedStream<S> {
    inner: S,
    activity: Arc<Activity>,
    start: Start,
    line_ends: LineEnds,
    /// How much of [`CALM`] is written.
    calm: usize,
}

/// How much is known of the first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// So many bytes of HTTP/2's preface have arrived.
    Preface(usize),
    /// The preface has arrived, and so many bytes of the header of the frame after it, with the length that they say.
    FrameHeader { read: usize, length: usize },
    /// The first frame lacks so many bytes.
    Frame(usize),
    /// HTTP/2 has begun.
    Http2,
    /// The first bytes are not those of HTTP/2.
    Http1,
}

impl Start {
    /// Reads the next bytes.
    fn read(mut self, mut bytes: &[u8]) -> Self {
        loop {
            self = match self {
                Self::Preface(read) => {
                    let expected = &PREFACE[read..];
                    let count = bytes.len().min(expected.len());
                    if bytes[..count] != expected[..count] {
                        return Self::Http1;
                    }
                    bytes = &bytes[count..];
                    if count < expected.len() {
                        return Self::Preface(read + count);
                    }
                    Self::FrameHeader { read: 0, length: 0 }
                }
                Self::FrameHeader { read: FRAME_HEADER, length } => Self::Frame(length),
                Self::FrameHeader { read, length } => {
                    let Some((first, rest)) = bytes.split_first() else { return self };
                    bytes = rest;
                    // The length is the first three bytes.
                    let length = if read < 3 { (length << 8) | usize::from(*first) } else { length };
                    Self::FrameHeader { read: read + 1, length }
                }
                Self::Frame(missing) if bytes.len() < missing => return Self::Frame(missing - bytes.len()),
                Self::Frame(_) | Self::Http2 => return Self::Http2,
                Self::Http1 => return Self::Http1,
            }
        }
    }
}

impl<S> WatchedStream<S> {
    pub(super) const fn new(inner: S, activity: Arc<Activity>) -> Self {
        Self { inner, activity, start: Start::Preface(0), line_ends: LineEnds::new(), calm: 0 }
    }

    fn arrived(&mut self, bytes: &mut [u8]) {
        match self.start {
            Start::Http2 => return,
            Start::Http1 => {}
            start => self.start = start.read(bytes),
        }
        if matches!(self.start, Start::Http1 | Start::Preface(_)) {
            self.line_ends.check(bytes);
        }
        self.activity.bytes_arrived();
        if self.start == Start::Http2 {
            self.activity.http2_began();
        }
    }

    /// Tells a peer that resets too many streams to calm down, and shuts the stream down. `h2` would end its connection like this, and hyper
    /// does not let it. To be called when all frames are written, which is when `h2` flushes. `None`: the peer is not told.
    fn poll_calm(&mut self, cx: &mut Context<'_>) -> Option<Poll<io::Result<()>>>
    where
        S: AsyncWrite + Unpin,
    {
        if self.start != Start::Http2 || !self.activity.is_abusive(cx.waker()) {
            return None;
        }
        while self.calm < CALM.len() {
            match Pin::new(&mut self.inner).poll_write(cx, &CALM[self.calm..]) {
                Poll::Ready(Ok(count)) if count > 0 => self.calm += count,
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Ready(Ok(_)) => break,
                Poll::Pending => return Some(Poll::Pending),
            }
        }
        Some(Pin::new(&mut self.inner).poll_shutdown(cx).map(|_| {
            Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the client has reset too many streams"))
        }))
    }

    fn wrote<T>(&self, polled: Poll<T>) -> Poll<T> {
        self.activity.set_write_blocked(polled.is_pending());
        polled
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WatchedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.line_ends.is_spoilt() {
            buf.put_slice(&HEAD_END[..buf.remaining().min(HEAD_END.len())]);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        if self.start != Start::Http2 && buf.filled().len() > before {
            self.arrived(&mut buf.filled_mut()[before..]);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WatchedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(calm) = self.poll_calm(cx) {
            return calm;
        }
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        self.wrote(polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http2_has_begun_after_the_preface_and_a_whole_frame() {
        let frame = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100];
        let bytes = [PREFACE, &frame].concat();
        for cut in 0..bytes.len() {
            let start = Start::Preface(0).read(&bytes[..cut]);
            assert!(!matches!(start, Start::Http2 | Start::Http1), "{cut}: {start:?}");
            assert_eq!(start.read(&bytes[cut..]), Start::Http2, "{cut}");
        }
    }

    #[test]
    fn other_first_bytes_are_those_of_http1() {
        for bytes in [&b"GET / HTTP/1.1"[..], b"PRI * HTTP/2.0\r\n\r\nSX", b"POST", b"PRX"] {
            assert_eq!(Start::Preface(0).read(bytes), Start::Http1);
        }
    }

    /// Splits bytes into chunks of these sizes, and the rest.
    fn split<'a>(mut bytes: &'a [u8], sizes: &[u8]) -> Vec<&'a [u8]> {
        let mut chunks = Vec::new();
        for size in sizes {
            let (chunk, rest) = bytes.split_at(bytes.len().min(usize::from(*size)));
            chunks.push(chunk);
            bytes = rest;
        }
        chunks.push(bytes);
        chunks
    }

    #[test]
    fn fuzz_any_chunks_of_the_first_bytes_are_read_the_same() {
        let check = bolero::check!().with_type::<(usize, u8, Vec<u8>, Vec<u8>)>();
        check.with_iterations(50_000).for_each(|(preface, length, rest, sizes)| {
            // A part of the preface or all of it, mostly with a short frame behind it.
            let mut bytes = PREFACE[..PREFACE.len().min(preface % 64)].to_vec();
            bytes.extend_from_slice(rest);
            if let Some([high, middle, low]) = bytes.get_mut(PREFACE.len()..PREFACE.len() + 3) {
                (*high, *middle, *low) = (0, 0, length % 16);
            }
            let whole = Start::Preface(0).read(&bytes);
            let chunks = split(&bytes, sizes);
            assert_eq!(chunks.iter().fold(Start::Preface(0), |start, chunk| start.read(chunk)), whole);
            let frame = bytes.strip_prefix(PREFACE);
            let has_frame = frame.is_some_and(|frame| {
                frame.len() >= FRAME_HEADER && frame.len() - FRAME_HEADER >= usize::from(frame[2])
            });
            assert_eq!(whole == Start::Http2, has_frame);
            assert_eq!(whole == Start::Http1, frame.is_none() && !PREFACE.starts_with(&bytes));
        });
    }
}
