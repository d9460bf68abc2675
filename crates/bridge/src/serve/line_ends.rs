//! Ends of lines in the heads of HTTP/1.1 requests.

use std::mem;

use memchr::{memchr, memchr_iter};

/// The longest part of a line that is kept until its rest arrives. Lines that say how long a body is are shorter.
const MAX_PARTIAL: usize = 256;

/// What hyper takes for the end of a head.
pub(super) const HEAD_END: &[u8] = b"\n\n";

/// Spoils each head that has a bare LF at the end of a line, so that its request is answered with 400.
///
/// httparse, which reads heads for hyper, takes a bare LF for the end of a line, as RFC 9112, section 2.2 allows. A proxy in front that
/// does not may see another head in the same bytes.
///
/// It knows where heads are by the lengths of the bodies between them (RFC 9112, section 6). Where it is in doubt, it looks no further:
/// the bytes of a body are never changed.
#[derive(Debug)]
pub(super) struct LineEnds {
    next: Next,
    /// The beginning of a line of which the rest has not arrived.
    partial: Vec<u8>,
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// A line of a head. Empty lines before the first are no end of a head.
    Head { has_line: bool, body: Body },
    /// So many bytes of a body.
    Bytes(u64),
    /// A line with the size of a chunk.
    ChunkSize,
    /// So many bytes of a chunk, with the end of its line.
    Chunk(u64),
    /// A line behind the last chunk.
    Trailer,
    /// It is not known.
    Unknown,
    /// What is left of a spoilt head.
    Spoilt,
}

/// What a head says about the body behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Length(u64),
    Chunked,
    Unknown,
}

const FIRST: Next = Next::Head { has_line: false, body: Body::Length(0) };

impl LineEnds {
    pub(super) const fn new() -> Self {
        Self { next: FIRST, partial: Vec::new() }
    }

    /// Returns whether a head is spoilt. hyper reads a head when it has the end of it, so that it has to get [`HEAD_END`] next.
    pub(super) fn is_spoilt(&self) -> bool {
        self.next == Next::Spoilt
    }

    /// Looks at the bytes that have arrived.
    pub(super) fn check(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            if let Next::Bytes(left) | Next::Chunk(left) = &mut self.next {
                let skipped = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= skipped as u64;
                bytes = &mut bytes[skipped..];
                if *left == 0 {
                    self.next = if matches!(self.next, Next::Bytes(_)) { FIRST } else { Next::ChunkSize };
                }
                continue;
            }
            match self.next {
                Next::Unknown | Next::Spoilt => return,
                Next::Head { has_line, body } if self.partial.is_empty() => {
                    let read = self.read_head(bytes, has_line, body);
                    bytes = &mut bytes[read..];
                    continue;
                }
                _ => {}
            }
            let Some(length) = memchr(b'\n', bytes) else { return self.keep(bytes) };
            let in_head = matches!(self.next, Next::Head { .. });
            let (line, rest) = mem::take(&mut bytes).split_at_mut(length + 1);
            bytes = rest;
            let kept = mem::take(&mut self.partial);
            let before = if length == 0 { kept.last() } else { line.get(length - 1) };
            if before != Some(&b'\r') {
                self.next = Next::Unknown;
                if in_head {
                    // No head may have this byte, so hyper refuses it.
                    line[length] = 0;
                    self.next = Next::Spoilt;
                }
                return;
            }
            self.next = if kept.is_empty() {
                self.next.after(&line[..length - 1])
            } else {
                let whole = [&kept, &line[..length]].concat();
                self.next.after(&whole[..whole.len() - 1])
            };
        }
    }
}

impl LineEnds {
    /// Reads a head from the beginning of a line, in one pass: nearly all heads arrive whole. Returns how many bytes were read.
    fn read_head(&mut self, bytes: &mut [u8], mut has_line: bool, mut body: Body) -> usize {
        let mut start = 0;
        let mut bare = None;
        for end in memchr_iter(b'\n', bytes) {
            let [line @ .., b'\r'] = &bytes[start..end] else {
                bare = Some(end);
                break;
            };
            start = end + 1;
            match (line.first(), has_line) {
                (None, true) => {
                    self.next = body.begin();
                    return start;
                }
                (None, false) => {}
                (Some(_), true) => body = body.with(line),
                (Some(_), false) => {
                    has_line = true;
                    body = Body::after_request_line(line);
                }
            }
        }
        if let Some(bare) = bare {
            // No head may have this byte, so hyper refuses it.
            bytes[bare] = 0;
            self.next = Next::Spoilt;
        } else {
            self.next = Next::Head { has_line, body };
            self.keep(&bytes[start..]);
        }
        bytes.len()
    }

    /// Keeps the beginning of a line.
    fn keep(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        if self.partial.len() > MAX_PARTIAL {
            // The beginning says what line it is, and the last byte whether it ends as it should.
            let last = self.partial[self.partial.len() - 1];
            self.partial.truncate(MAX_PARTIAL);
            self.partial.push(last);
        }
    }
}

impl Next {
    /// Returns what comes after a line.
    fn after(self, line: &[u8]) -> Self {
        match self {
            Self::Head { has_line: true, body } if line.is_empty() => body.begin(),
            Self::Head { has_line: false, .. } if line.is_empty() => self,
            Self::Head { has_line: false, .. } => {
                Self::Head { has_line: true, body: Body::after_request_line(line) }
            }
            Self::Head { body, .. } => Self::Head { has_line: true, body: body.with(line) },
            Self::ChunkSize => match chunk_size(line) {
                Some(0) => Self::Trailer,
                Some(size) => Self::Chunk(size.saturating_add(2)),
                None => Self::Unknown,
            },
            Self::Trailer if line.is_empty() => FIRST,
            Self::Trailer | Self::Bytes(_) | Self::Chunk(_) | Self::Unknown | Self::Spoilt => self,
        }
    }
}

impl Body {
    /// Returns what a request line says. Behind the head of CONNECT come the bytes of another protocol.
    fn after_request_line(line: &[u8]) -> Self {
        if line.starts_with(b"CONNECT ") { Self::Unknown } else { Self::Length(0) }
    }

    /// Returns what comes after the head.
    fn begin(self) -> Next {
        match self {
            Self::Length(0) => FIRST,
            Self::Length(length) => Next::Bytes(length),
            Self::Chunked => Next::ChunkSize,
            Self::Unknown => Next::Unknown,
        }
    }

    /// Returns what the head says with one more line.
    fn with(self, line: &[u8]) -> Self {
        // The first letter tells nearly all lines from these.
        let name: &[u8] = match line.first() {
            Some(b'c' | b'C') => b"content-length",
            Some(b't' | b'T') => b"transfer-encoding",
            Some(b'u' | b'U') => b"upgrade",
            _ => return self,
        };
        let Some(value) = value_of(line, name) else { return self };
        match name {
            b"content-length" => match (self, length_in(value)) {
                (Self::Length(0), Some(length)) => Self::Length(length),
                (Self::Length(other), Some(length)) if other == length => self,
                (Self::Chunked, _) => self,
                _ => Self::Unknown,
            },
            b"transfer-encoding" if self != Self::Unknown && value.eq_ignore_ascii_case(b"chunked") => {
                Self::Chunked
            }
            _ => Self::Unknown,
        }
    }
}

/// Returns the value of a line with this name. Of a line that is too long to be kept whole it is empty, which no value is.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":").filter(|_| start.eq_ignore_ascii_case(name))?;
    Some(if line.len() > MAX_PARTIAL { b"" } else { value.trim_ascii() })
}

/// Returns the number in a `content-length`.
fn length_in(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |length, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        length.checked_mul(10)?.checked_add(digit)
    })
}

/// Returns the size in a line before a chunk, which may have extensions.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what becomes of bytes that arrive in parts of this size.
    fn checked(bytes: &[u8], size: usize) -> Vec<u8> {
        let mut ends = LineEnds::new();
        let mut all = bytes.to_vec();
        all.chunks_mut(size).for_each(|part| ends.check(part));
        all
    }

    const LENGTH: &str = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n\n\n\r\n\n";
    const CHUNKED: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\n\n\n\n\r\nA\r\n\n23456789\n\r\n0\r\nx: y\r\n\r\n";
    const NONE: &str = "\r\nGET / HTTP/1.1\r\nhost: a\r\ncookie: b\r\n\r\n";

    #[test]
    fn requests_as_they_should_be_are_left_alone_with_their_bodies() {
        for one in [LENGTH, CHUNKED, NONE] {
            for two in [LENGTH, CHUNKED, NONE] {
                let bytes = format!("{one}{two}{one}");
                for size in 1..=bytes.len() {
                    assert_eq!(checked(bytes.as_bytes(), size), bytes.as_bytes(), "{bytes:?} by {size}");
                }
            }
        }
    }

    #[test]
    fn a_bare_lf_in_any_head_of_a_connection_is_spoilt() {
        for before in ["", LENGTH, CHUNKED, NONE] {
            for (head, spoilt) in [
                ("GET / HTTP/1.1\nhost: a\r\n\r\n", "GET / HTTP/1.1\0host: a\r\n\r\n"),
                ("GET / HTTP/1.1\r\nhost: a\n\r\n", "GET / HTTP/1.1\r\nhost: a\0\r\n"),
                ("GET / HTTP/1.1\r\nhost: a\r\n\n", "GET / HTTP/1.1\r\nhost: a\r\n\0"),
            ] {
                let (bytes, spoilt) = (format!("{before}{head}"), format!("{before}{spoilt}"));
                for size in 1..=bytes.len() {
                    assert_eq!(checked(bytes.as_bytes(), size), spoilt.as_bytes(), "{bytes:?} by {size}");
                }
            }
        }
    }

    #[test]
    fn a_long_line_may_arrive_in_parts() {
        let long = "v".repeat(1_000);
        let bytes = format!("GET / HTTP/1.1\r\nx: {long}\r\n\r\nGET / HTTP/1.1\r\nx: {long}\n\r\n");
        let spoilt = format!("GET / HTTP/1.1\r\nx: {long}\r\n\r\nGET / HTTP/1.1\r\nx: {long}\0\r\n");
        for size in [1, 7, 100, 300] {
            assert_eq!(checked(bytes.as_bytes(), size), spoilt.as_bytes());
        }
    }

    #[test]
    fn nothing_is_changed_in_what_is_not_understood() {
        for head in [
            "CONNECT a:1 HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 3, 3\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n",
            &format!("POST / HTTP/1.1\r\ncontent-length: {}12\r\n\r\n", " ".repeat(300)),
            "POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        ] {
            let bytes = format!("{head}a\nb\n\n");
            assert_eq!(checked(bytes.as_bytes(), 9), bytes.as_bytes(), "{head:?}");
        }
    }

    #[test]
    fn fuzz_parts_of_any_size_are_spoilt_in_one_place_at_most() {
        const PIECES: [&str; 14] = [
            "\r\n",
            "\n",
            "\r",
            "GET / HTTP/1.1\r\n",
            "POST / HTTP/1.1\r\n",
            "host: a\r\n",
            "content-length: 4\r\n",
            "content-length: ",
            "transfer-encoding: chunked\r\n",
            "\r\n\r\n",
            "4\r\n",
            "0\r\n",
            "abcd",
            "u",
        ];
        let check = bolero::check!().with_type::<(Vec<u8>, Vec<u8>, usize)>();
        check.with_iterations(20_000).for_each(|(pieces, noise, size)| {
            let mut bytes: Vec<u8> = Vec::new();
            for piece in pieces {
                bytes.extend_from_slice(PIECES[usize::from(*piece) % PIECES.len()].as_bytes());
            }
            bytes.extend_from_slice(noise);
            let whole = checked(&bytes, bytes.len().max(1));
            assert_eq!(checked(&bytes, size % 50 + 1), whole);
            let changed: Vec<_> =
                bytes.iter().zip(&whole).filter(|(before, after)| before != after).collect();
            assert!(changed.is_empty() || changed == [(&b'\n', &0)], "{changed:?}");
        });
    }
}
