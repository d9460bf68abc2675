//! gRPC-Web-text: the same body in base64.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use bytes::{Bytes, BytesMut};

use crate::malformed::Malformed;

/// Base64 as servers write it and as it is read: padding is looked at, never insisted on.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How many characters are decoded together.
const GROUP: usize = 4;

/// Decodes base64 that comes in chunks which end anywhere.
///
/// The text is a row of segments: a server encodes each piece that it flushes by itself, so padding may stand
/// wherever a group of four characters ends.
#[derive(Debug, Default)]
pub(crate) struct TextDecoder {
    /// The characters of a group that is not complete yet: fewer than four.
    pending: BytesMut,
}

impl TextDecoder {
    /// Decodes all groups that are complete with this chunk.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<Bytes, Malformed> {
        self.pending.extend_from_slice(chunk);
        let complete = self.pending.len() - self.pending.len() % GROUP;
        let text = self.pending.split_to(complete);
        let mut decoded = Vec::with_capacity(complete / GROUP * 3);
        let mut segment = 0;
        for end in (GROUP..=complete).step_by(GROUP) {
            // Padding ends a segment, and so does the end of what came.
            if text[end - 1] == b'=' || end == complete {
                general_purpose::STANDARD
                    .decode_vec(&text[segment..end], &mut decoded)
                    .map_err(|_| Malformed::Text)?;
                segment = end;
            }
        }
        Ok(decoded.into())
    }

    /// Decodes what is left at the end of the body: nothing, or a last segment that came without its padding.
    pub(crate) fn finish(&mut self) -> Result<Bytes, Malformed> {
        BASE64.decode(self.pending.split()).map(Bytes::from).map_err(|_| Malformed::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, Malformed> {
        let mut decoder = TextDecoder::default();
        let mut read = Vec::new();
        for chunk in chunks {
            read.extend_from_slice(&decoder.push(chunk)?);
        }
        read.extend_from_slice(&decoder.finish()?);
        Ok(read)
    }

    fn encode(segments: &[&[u8]]) -> String {
        segments.iter().map(|segment| general_purpose::STANDARD.encode(segment)).collect()
    }

    #[test]
    fn padded_segments_read_the_same_at_every_split_point() {
        // Lengths of all three remainders, so that all three paddings stand in the middle.
        let segments = [&b"one"[..], b"four", b"three", b"sixsix", b"x"];
        let text = encode(&segments);
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let text = text.as_bytes();
                let chunks = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(read(chunks), Ok(segments.concat()), "split at {first} and {second}");
            }
        }
    }

    #[test]
    fn the_last_padding_may_be_missing() {
        for segment in [&b"a"[..], b"ab", b"abc"] {
            let text = encode(&[segment]);
            assert_eq!(read([text.trim_end_matches('=').as_bytes()]), Ok(segment.to_vec()));
        }
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for text in ["AA*A", "A===", "=AAA", "A", "AAAAA", "<html>\n\n", "AA=A"] {
            assert_eq!(read([text.as_bytes()]), Err(Malformed::Text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_segments_in_any_chunks_come_through(
            segments in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
            size in 1usize..12,
        ) {
            let segments = segments.iter().map(Vec::as_slice).collect::<Vec<_>>();
            prop_assert_eq!(read(encode(&segments).as_bytes().chunks(size)), Ok(segments.concat()));
        }

        #[test]
        fn no_text_panics(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..10), 0..6)) {
            let _ = read(chunks.iter().map(Vec::as_slice));
        }
    }
}
