//! Frames of length-prefixed messages.
//!
//! A frame is one byte of flags, the payload's length as a big-endian `u32`, and the payload
//! ([gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)). gRPC-Web puts the trailers into
//! one more frame of the body.

/// The length of a frame's prefix, in bytes: its flags and its payload's length.
pub const PREFIX_LENGTH: usize = 5;

/// The bit of the flags that marks a compressed payload.
pub const COMPRESSED: u8 = 0x01;

/// The bit of the flags that marks the trailers of a gRPC-Web body.
pub const TRAILERS: u8 = 0x80;

/// The prefix of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FramePrefix {
    /// 0 for a plain message, with [`COMPRESSED`] and [`TRAILERS`] as they apply.
    pub flags: u8,
    /// The length of the payload, in bytes.
    pub length: u32,
}

/// Finds the frames of a body that arrives in chunks of any size. It holds and copies none of the payloads.
#[derive(Debug, Default)]
pub struct FrameScanner {
    prefix: [u8; PREFIX_LENGTH],
    /// How many bytes of the prefix have arrived.
    filled: u8,
    /// How many bytes of the payload are still to come, once the prefix is complete.
    payload_left: u32,
}

impl FrameScanner {
    /// Takes the next chunk of the body, and calls `on_prefix` for each prefix that is complete with it.
    ///
    /// # Errors
    ///
    /// Returns the first error of `on_prefix`, and leaves the rest of the chunk unread.
    pub fn scan<E>(
        &mut self,
        mut chunk: &[u8],
        mut on_prefix: impl FnMut(FramePrefix) -> Result<(), E>,
    ) -> Result<(), E> {
        while !chunk.is_empty() {
            let missing = &mut self.prefix[usize::from(self.filled)..];
            if !missing.is_empty() {
                let taken = chunk.len().min(missing.len());
                missing[..taken].copy_from_slice(&chunk[..taken]);
                self.filled += u8::try_from(taken).unwrap_or_default();
                chunk = &chunk[taken..];
                if usize::from(self.filled) < PREFIX_LENGTH {
                    return Ok(());
                }
                let [flags, length @ ..] = self.prefix;
                self.payload_left = u32::from_be_bytes(length);
                on_prefix(FramePrefix { flags, length: self.payload_left })?;
            }
            let taken = chunk.len().min(self.payload_left as usize);
            self.payload_left -= u32::try_from(taken).unwrap_or(self.payload_left);
            chunk = &chunk[taken..];
            if self.payload_left == 0 {
                self.filled = 0;
            }
        }
        Ok(())
    }

    /// Returns whether the body may end here, which is between two frames.
    pub fn at_boundary(&self) -> bool {
        self.filled == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    const BODY: &[u8] = b"\x00\x00\x00\x00\x03abc\x01\x00\x00\x00\x00\x80\x00\x00\x00\x02xy";

    fn prefixes(chunks: &[&[u8]]) -> (Vec<(u8, u32)>, bool) {
        let mut scanner = FrameScanner::default();
        let mut all = Vec::new();
        for chunk in chunks {
            let Ok(()) = scanner.scan::<Infallible>(chunk, |prefix| {
                all.push((prefix.flags, prefix.length));
                Ok(())
            });
        }
        (all, scanner.at_boundary())
    }

    #[test]
    fn every_split_shows_the_same_prefixes() {
        for first in 0..=BODY.len() {
            for second in first..=BODY.len() {
                let chunks = [&BODY[..first], &BODY[first..second], &BODY[second..]];
                let expected = vec![(0, 3), (COMPRESSED, 0), (TRAILERS, 2)];
                assert_eq!(prefixes(&chunks), (expected, true), "{first}, {second}");
            }
        }
    }

    #[test]
    fn a_body_cut_inside_a_frame_is_at_no_boundary() {
        let boundaries = [0, 8, 13, 20];
        for cut in 0..=BODY.len() {
            assert_eq!(prefixes(&[&BODY[..cut]]).1, boundaries.contains(&cut), "{cut}");
        }
    }

    #[test]
    fn an_error_stops_the_scan_at_its_prefix() {
        let mut scanner = FrameScanner::default();
        let mut count = 0;
        let result = scanner.scan(BODY, |_| {
            count += 1;
            Err("enough")
        });
        assert_eq!((result, count), (Err("enough"), 1));
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
    fn fuzz_any_chunks_of_a_cut_body_show_the_prefixes_that_are_complete() {
        let check = bolero::check!().with_type::<(Vec<(u8, Vec<u8>)>, usize, Vec<u8>)>();
        check.with_iterations(20_000).for_each(|(frames, cut, sizes)| {
            let (mut body, mut expected, mut boundaries) = (Vec::new(), Vec::new(), vec![0]);
            for (flags, payload) in frames {
                let length = u32::try_from(payload.len()).unwrap();
                expected.push((body.len() + PREFIX_LENGTH, (*flags, length)));
                body.push(*flags);
                body.extend_from_slice(&length.to_be_bytes());
                body.extend_from_slice(payload);
                boundaries.push(body.len());
            }
            body.truncate(cut % (body.len() + 1));
            let complete = expected.into_iter().filter(|(end, _)| *end <= body.len());
            let expected = (complete.map(|(_, prefix)| prefix).collect(), boundaries.contains(&body.len()));
            assert_eq!(prefixes(&split(&body, sizes)), expected);
        });
    }

    #[test]
    fn fuzz_any_chunks_of_any_bytes_show_the_same_prefixes() {
        let check = bolero::check!().with_type::<(Vec<u8>, Vec<u8>)>();
        check.with_iterations(20_000).for_each(|(body, sizes)| {
            assert_eq!(prefixes(&split(body, sizes)), prefixes(&[body]));
        });
    }
}
