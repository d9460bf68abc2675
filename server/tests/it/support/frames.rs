//! HTTP/2 frames by hand, for what a well-behaved client cannot be made to do: many of them in one write.

use std::net::SocketAddr;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::soon;

/// Kinds of frames (RFC 9113, section 6).
pub mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
}

/// Flags of frames. On SETTINGS and PING the first one is ACK.
pub const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// The error code of a stream that nobody wants any more.
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

/// Frames that are to be sent in one write.
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

    /// The same with further headers, which are written as they stand here.
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

    /// Asks the server for a sign that it has read everything before.
    pub fn ping(&mut self) -> &mut Self {
        self.push(kind::PING, 0, 0, &[7; 8])
    }
}

/// A connection of which each byte is the test's own.
pub struct Frames {
    stream: TcpStream,
    /// How many pings the other side has sent.
    pings: usize,
}

impl Frames {
    /// Connects, with room for whatever the server has to say.
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

    /// Returns the next frame that says anything of a stream or of the connection's end, and answers those that ask.
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

/// A server of which each byte is the test's own: one connection of it.
pub struct Raw(Frames);

impl Raw {
    /// Accepts a connection of HTTP/2, and agrees to its settings.
    pub async fn accept(listener: &TcpListener) -> Self {
        let (mut stream, _) = soon("a connection", listener.accept()).await.unwrap();
        let mut preface = [0; PREFACE.len()];
        soon("a preface", stream.read_exact(&mut preface)).await.unwrap();
        assert_eq!(preface, PREFACE);
        let mut frames = Frames { stream, pings: 0 };
        frames.send(Burst::default().push(kind::SETTINGS, 0, 0, &[])).await;
        Self(frames)
    }

    /// Waits for the head of a call, and returns its stream.
    pub async fn headers(&mut self) -> u32 {
        loop {
            let frame = self.0.next().await;
            if frame.kind == kind::HEADERS {
                return frame.stream;
            }
        }
    }

    /// Reads and answers for so long, and returns how many pings have come so far.
    pub async fn pings_within(&mut self, time: std::time::Duration) -> usize {
        let reading = async {
            loop {
                self.0.next().await;
            }
        };
        // It does not end by itself.
        let _: Result<std::convert::Infallible, _> = tokio::time::timeout(time, reading).await;
        self.0.pings
    }

    /// Goes away, and says which stream was the last that was looked at.
    pub async fn go_away(&mut self, last: u32) {
        let payload = [last.to_be_bytes(), [0; 4]].concat();
        self.0.send(Burst::default().push(kind::GOAWAY, 0, 0, &payload)).await;
    }

    /// Answers with a status alone.
    pub async fn trailers_only(&mut self, stream: u32) {
        // Indexed: `:status: 200`. Literals: `content-type` by the index of its name, and the status.
        let headers = [&[0x88][..], b"\x0f\x10\x10application/grpc", b"\x00\x0bgrpc-status\x010"].concat();
        self.0.send(Burst::default().push(kind::HEADERS, END_STREAM | END_HEADERS, stream, &headers)).await;
    }

    /// Begins an answer, with one message.
    pub async fn begin(&mut self, stream: u32, message: &Bytes) {
        let headers = [&[0x88][..], b"\x0f\x10\x10application/grpc"].concat();
        let mut burst = Burst::default();
        burst.push(kind::HEADERS, END_HEADERS, stream, &headers).push(kind::DATA, 0, stream, message);
        self.0.send(&burst).await;
    }

    /// Says these bytes, whatever they are.
    pub async fn say(&mut self, bytes: &[u8]) {
        soon("room for bytes", self.0.stream.write_all(bytes)).await.unwrap();
    }

    /// Says that nothing more will be said, and still listens.
    pub async fn close_half(&mut self) {
        self.0.stream.shutdown().await.unwrap();
    }

    /// Ends the connection without a word of goodbye, as a machine does that was started anew and knows nothing of it.
    pub fn break_off(self) {
        socket2::SockRef::from(&self.0.stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }
}
