//! Decodes gRPC-Web-text: a body in base64.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use bytes::{Bytes, BytesMut};

use crate::malformed::Malformed;

/// Base64 with or without padding: servers write both.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How many characters encode three bytes.
const GROUP: usize = 4;

/// Decodes base64 in chunks of any size.
///
/// A server encodes each part that it flushes on its own. So padding may occur after any group of four characters, not
/// only at the end.
#[derive(Debug, Default)]
pub(crate) struct TextDecoder {
    /// The characters of the incomplete last group: fewer than four.
    pending: BytesMut,
}

impl TextDecoder {
    /// Decodes the groups that are complete with this chunk.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<Bytes, Malformed> {
        self.pending.extend_from_slice(chunk);
        let complete = self.pending.len() - self.pending.len() % GROUP;
        let text = self.pending.split_to(complete);
        let mut decoded = Vec::with_capacity(complete / GROUP * 3);
        let mut segment = 0;
        for end in (GROUP..=complete).step_by(GROUP) {
            // Padding ends a segment, and so does the end of the text.
            if text[end - 1] == b'=' || end == complete {
                general_purpose::STANDARD
                    .decode_vec(&text[segment..end], &mut decoded)
                    .map_err(|_| Malformed::Text)?;
                segment = end;
            }
        }
        Ok(decoded.into())
    }

    /// Decodes the rest at the end of the body, which may lack its padding.
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
    fn padded_segments_decode_the_same_at_every_split_point() {
        // Lengths with every remainder by three, so that every padding occurs in the middle.
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
    fn text_that_is_not_base64_is_an_error() {
        for text in ["AA*A", "A===", "=AAA", "A", "AAAAA", "<html>\n\n", "AA=A"] {
            assert_eq!(read([text.as_bytes()]), Err(Malformed::Text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_segments_in_any_chunks_are_decoded(
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
