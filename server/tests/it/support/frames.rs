//! Raw HTTP/2 frames, for what an HTTP/2 library does not do: many frames in one write, or frames that break the rules.

use std::net::SocketAddr;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::soon;

/// Types of frames (RFC 9113, section 6).
pub mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// Flags of frames. On SETTINGS and PING the first one is ACK.
pub const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// The error code of a stream that its client cancels.
const CANCEL: u32 = 8;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame that the server sent.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// Frames that are sent in one write.
#[derive(Default)]
pub struct Burst(Vec<u8>);

impl Burst {
    fn push(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> &mut Self {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        self.0.extend_from_slice(&length[1..]);
        self.0.extend_from_slice(&[kind, flags]);
        self.0.extend_from_slice(&stream.to_be_bytes());
        self.0.extend_from_slice(payload);
        self
    }

    /// Calls a gRPC method with one message.
    pub fn call(&mut self, stream: u32, path: &str, message: &Bytes) -> &mut Self {
        self.call_with(stream, path, &[], message)
    }

    /// The same with more headers, which are not validated.
    pub fn call_with(
        &mut self,
        stream: u32,
        path: &str,
        further: &[(&str, &str)],
        message: &Bytes,
    ) -> &mut Self {
        let mut headers = [
            // Indexed: `:method: POST`, `:scheme: http`.
            &[0x83, 0x86][..],
            // Literals without indexing: `:path`, `:authority` and `content-type` by the index of their names.
            &[0x04, u8::try_from(path.len()).unwrap()],
            path.as_bytes(),
            b"\x01\x09localhost",
            b"\x0f\x10\x10application/grpc",
            b"\x00\x02te\x08trailers",
        ]
        .concat();
        for (name, value) in further {
            headers.push(0);
            for text in [name, value] {
                headers.push(u8::try_from(text.len()).unwrap());
                headers.extend_from_slice(text.as_bytes());
            }
        }
        self.push(kind::HEADERS, END_HEADERS, stream, &headers).push(kind::DATA, END_STREAM, stream, message)
    }

    /// Resets a stream.
    pub fn reset(&mut self, stream: u32) -> &mut Self {
        self.push(kind::RST_STREAM, 0, stream, &CANCEL.to_be_bytes())
    }

    /// Sends a ping: its answer shows that the server has read everything before.
    pub fn ping(&mut self) -> &mut Self {
        self.push(kind::PING, 0, 0, &[7; 8])
    }
}

/// A raw HTTP/2 connection.
pub struct Frames {
    stream: TcpStream,
    /// The number of pings that the peer has sent.
    pings: usize,
}

impl Frames {
    /// Connects, with a large window for the server's responses.
    pub async fn connect(address: SocketAddr) -> Self {
        let mut frames = Self { stream: TcpStream::connect(address).await.unwrap(), pings: 0 };
        frames.stream.write_all(PREFACE).await.unwrap();
        let mut burst = Burst::default();
        burst.push(kind::SETTINGS, 0, 0, &[]).push(kind::WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes());
        frames.send(&burst).await;
        frames
    }

    pub async fn send(&mut self, burst: &Burst) {
        soon("room for frames", self.stream.write_all(&burst.0)).await.unwrap();
    }

    /// Sends frames to a server that may have closed the connection.
    pub async fn try_send(&mut self, burst: &Burst) -> std::io::Result<()> {
        self.stream.write_all(&burst.0).await
    }

    /// Returns the next frame, or `None` at the end of the connection. Acknowledges nothing.
    pub async fn try_next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        self.stream.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes(head[5..9].try_into().unwrap());
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// Returns the next frame that concerns a stream or the connection's end. Acknowledges SETTINGS and PING.
    pub async fn next(&mut self) -> Frame {
        loop {
            let mut head = [0; 9];
            soon("a frame", self.stream.read_exact(&mut head)).await.unwrap();
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            soon("a frame's payload", self.stream.read_exact(&mut payload)).await.unwrap();
            let frame = Frame {
                kind: head[3],
                flags: head[4],
                stream: u32::from_be_bytes(head[5..9].try_into().unwrap()),
                payload,
            };
            self.pings += usize::from(frame.kind == kind::PING && frame.flags & ACK == 0);
            let mut burst = Burst::default();
            match frame.kind {
                kind::SETTINGS if frame.flags & ACK == 0 => burst.push(kind::SETTINGS, ACK, 0, &[]),
                kind::PING if frame.flags & ACK == 0 => burst.push(kind::PING, ACK, 0, &frame.payload),
                kind::SETTINGS | kind::WINDOW_UPDATE => continue,
                _ => return frame,
            };
            self.send(&burst).await;
        }
    }
}

/// One connection of a raw HTTP/2 server.
pub struct Raw(Frames);

impl Raw {
    /// Accepts an HTTP/2 connection, and exchanges SETTINGS.
    pub async fn accept(listener: &TcpListener) -> Self {
        Self::accept_with(listener, &[]).await
    }

    /// The same, with these settings.
    pub async fn accept_with(listener: &TcpListener, settings: &[(u16, u32)]) -> Self {
        let (mut stream, _) = soon("a connection", listener.accept()).await.unwrap();
        let mut preface = [0; PREFACE.len()];
        soon("a preface", stream.read_exact(&mut preface)).await.unwrap();
        assert_eq!(preface, PREFACE);
        let mut frames = Frames { stream, pings: 0 };
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        frames.send(Burst::default().push(kind::SETTINGS, 0, 0, &payload)).await;
        Self(frames)
    }

    /// Waits for the head of a request, and returns its stream and how many bytes its encoded headers have.
    pub async fn encoded_head(&mut self) -> (u32, usize) {
        let mut bytes = 0;
        loop {
            let frame = self.0.next().await;
            if matches!(frame.kind, kind::HEADERS | kind::CONTINUATION) {
                bytes += frame.payload.len();
                if frame.flags & END_HEADERS != 0 {
                    return (frame.stream, bytes);
                }
            }
        }
    }

    /// Sends a trailers-only response with one long header, in frames of this size.
    pub async fn trailers_only_in_frames(&mut self, stream: u32, value: &[u8], frame: usize) {
        // A literal with a new name, whose value has a length of several bytes (RFC 7541, section 5.1).
        let mut headers =
            [&[0x88][..], b"\x0f\x10\x10application/grpc", b"\x00\x0bgrpc-status\x010"].concat();
        headers.extend_from_slice(b"\x00\x05x-pad\x7f");
        let mut rest = value.len() - 127;
        while rest >= 128 {
            headers.push(u8::try_from(rest % 128).unwrap() | 128);
            rest /= 128;
        }
        headers.push(u8::try_from(rest).unwrap());
        headers.extend_from_slice(value);
        let mut burst = Burst::default();
        let pieces: Vec<_> = headers.chunks(frame).collect();
        for (index, piece) in pieces.iter().enumerate() {
            let flags = if index + 1 == pieces.len() { END_HEADERS } else { 0 };
            match index {
                0 => burst.push(kind::HEADERS, flags | END_STREAM, stream, piece),
                _ => burst.push(kind::CONTINUATION, flags, stream, piece),
            };
        }
        self.0.send(&burst).await;
    }

    /// Sends one message.
    pub async fn message(&mut self, stream: u32, message: &Bytes) {
        self.0.send(Burst::default().push(kind::DATA, 0, stream, message)).await;
    }

    /// Waits for HEADERS, and returns their stream.
    pub async fn headers(&mut self) -> u32 {
        loop {
            let frame = self.0.next().await;
            if frame.kind == kind::HEADERS {
                return frame.stream;
            }
        }
    }

    /// Reads and acknowledges frames for this time, and returns the number of pings so far.
    pub async fn pings_within(&mut self, time: std::time::Duration) -> usize {
        let reading = async {
            loop {
                self.0.next().await;
            }
        };
        // It ends by the timeout only.
        let _: Result<std::convert::Infallible, _> = tokio::time::timeout(time, reading).await;
        self.0.pings
    }

    /// Sends GOAWAY with the last processed stream.
    pub async fn go_away(&mut self, last: u32) {
        let payload = [last.to_be_bytes(), [0; 4]].concat();
        self.0.send(Burst::default().push(kind::GOAWAY, 0, 0, &payload)).await;
    }

    /// Sends a trailers-only response.
    pub async fn trailers_only(&mut self, stream: u32) {
        // Indexed: `:status: 200`. Literals: `content-type` by the index of its name, and the status.
        let headers = [&[0x88][..], b"\x0f\x10\x10application/grpc", b"\x00\x0bgrpc-status\x010"].concat();
        self.0.send(Burst::default().push(kind::HEADERS, END_STREAM | END_HEADERS, stream, &headers)).await;
    }

    /// Sends the head of a response, and one message.
    pub async fn begin(&mut self, stream: u32, message: &Bytes) {
        let headers = [&[0x88][..], b"\x0f\x10\x10application/grpc"].concat();
        let mut burst = Burst::default();
        burst.push(kind::HEADERS, END_HEADERS, stream, &headers).push(kind::DATA, 0, stream, message);
        self.0.send(&burst).await;
    }

    /// Sends raw bytes.
    pub async fn say(&mut self, bytes: &[u8]) {
        soon("room for bytes", self.0.stream.write_all(bytes)).await.unwrap();
    }

    /// Closes the sending side only.
    pub async fn close_half(&mut self) {
        self.0.stream.shutdown().await.unwrap();
    }

    /// Resets the TCP connection, as a machine does that has restarted.
    pub fn break_off(self) {
        socket2::SockRef::from(&self.0.stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }
}
