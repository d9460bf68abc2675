//! Reads the prefixes of length-prefixed messages as a body flows by, without holding or copying any of it.

/// The length of a message's prefix: one byte of flags, then the payload's length as a big-endian `u32`.
const PREFIX: usize = 5;

/// Follows a byte stream of length-prefixed messages
/// ([gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)), in whatever pieces it comes.
#[derive(Debug, Default)]
pub(crate) struct FrameScanner {
    prefix: [u8; PREFIX],
    /// How many bytes of the prefix have been seen.
    filled: usize,
    /// How many bytes of the payload are still to come, once the prefix is whole.
    payload_left: usize,
}

/// What a message says of itself before it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    /// 0 for a plain message, 1 for a compressed one. gRPC-Web sets 0x80 for trailers.
    pub(crate) flags: u8,
    /// The payload's length in bytes.
    pub(crate) length: u32,
}

impl FrameScanner {
    /// Takes the next piece of the stream, and calls `seen` for each prefix that becomes whole in it.
    ///
    /// # Errors
    ///
    /// Returns the error of `seen`, and stops there.
    pub(crate) fn scan<E>(
        &mut self,
        mut piece: &[u8],
        mut seen: impl FnMut(Prefix) -> Result<(), E>,
    ) -> Result<(), E> {
        while !piece.is_empty() {
            if self.filled < PREFIX {
                let taken = piece.len().min(PREFIX - self.filled);
                self.prefix[self.filled..self.filled + taken].copy_from_slice(&piece[..taken]);
                self.filled += taken;
                piece = &piece[taken..];
                if self.filled < PREFIX {
                    return Ok(());
                }
                let [flags, length @ ..] = self.prefix;
                let length = u32::from_be_bytes(length);
                self.payload_left = length as usize;
                seen(Prefix { flags, length })?;
            }
            let taken = piece.len().min(self.payload_left);
            self.payload_left -= taken;
            piece = &piece[taken..];
            if self.payload_left == 0 {
                self.filled = 0;
            }
        }
        Ok(())
    }

    /// Tells whether the stream may end here: between two messages.
    pub(crate) fn at_boundary(&self) -> bool {
        self.filled == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    const BODY: &[u8] = b"\x00\x00\x00\x00\x03abc\x01\x00\x00\x00\x00\x80\x00\x00\x00\x02xy";

    fn prefixes(pieces: &[&[u8]]) -> (Vec<(u8, u32)>, bool) {
        let mut scanner = FrameScanner::default();
        let mut all = Vec::new();
        for piece in pieces {
            let Ok(()) = scanner.scan::<Infallible>(piece, |prefix| {
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
                let pieces = [&BODY[..first], &BODY[first..second], &BODY[second..]];
                assert_eq!(prefixes(&pieces), (vec![(0, 3), (1, 0), (0x80, 2)], true), "{first}, {second}");
            }
        }
    }

    #[test]
    fn a_stream_cut_inside_a_message_is_at_no_boundary() {
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
}
