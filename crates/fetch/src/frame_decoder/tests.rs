//! Frames at every chunk boundary.

use super::*;
use proptest::prelude::*;

fn frame(flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    [&[flags], &length.to_be_bytes()[..], payload].concat()
}

/// Three messages, one of them empty, and the trailers.
fn sample() -> Vec<u8> {
    [
        frame(MESSAGE, b"\x0a\x05hello"),
        frame(MESSAGE, b""),
        frame(MESSAGE, b"\x0a\x03you"),
        frame(TRAILERS, b"grpc-status: 0\r\n"),
    ]
    .concat()
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Decoded {
    messages: Vec<u8>,
    trailers: Option<Bytes>,
}

impl Decoded {
    fn take(&mut self, decoder: &mut FrameDecoder) -> Result<(), Malformed> {
        while let Some(part) = decoder.next()? {
            match part {
                Part::Messages(bytes) => {
                    assert!(self.trailers.is_none(), "a message after the trailers");
                    self.messages.extend_from_slice(&bytes);
                }
                Part::Trailers(block) => assert_eq!(self.trailers.replace(block), None),
            }
        }
        Ok(())
    }
}

fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Decoded, Malformed> {
    let (mut decoder, mut read) = (FrameDecoder::default(), Decoded::default());
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        read.take(&mut decoder)?;
    }
    decoder.check_complete().map(|()| read)
}

fn whole() -> Decoded {
    let body = sample();
    let trailers = b"grpc-status: 0\r\n";
    Decoded {
        messages: body[..body.len() - 5 - trailers.len()].to_vec(),
        trailers: Some(Bytes::from_static(trailers)),
    }
}

#[test]
fn every_pair_of_split_points_reads_the_same() {
    let body = sample();
    for first in 0..=body.len() {
        for second in first..=body.len() {
            let chunks = [&body[..first], &body[first..second], &body[second..]];
            assert_eq!(read(chunks), Ok(whole()), "split at {first} and {second}");
        }
    }
}

#[test]
fn single_bytes_read_the_same() {
    assert_eq!(read(sample().chunks(1)), Ok(whole()));
}

#[test]
fn message_bytes_are_returned_as_they_arrive() {
    let body = whole().messages;
    for split in 1..=body.len() {
        let mut decoder = FrameDecoder::default();
        decoder.push(Bytes::copy_from_slice(&body[..split]));
        // All bytes so far are one part.
        assert_eq!(decoder.next(), Ok(Some(Part::Messages(Bytes::copy_from_slice(&body[..split])))));
        assert_eq!(decoder.next(), Ok(None));
    }
}

#[test]
fn messages_before_a_malformed_frame_are_returned_first() {
    let mut decoder = FrameDecoder::default();
    decoder.push([frame(MESSAGE, b"hello"), frame(0x42, b"")].concat().into());
    assert_eq!(decoder.next(), Ok(Some(Part::Messages(frame(MESSAGE, b"hello").into()))));
    assert_eq!(decoder.next(), Err(Malformed::Flags(0x42)));
}

#[test]
fn data_after_the_trailers_is_an_error() {
    for next in [&b"\0"[..], b"\x80", b"x"] {
        let body = [&sample()[..], next].concat();
        for split in 0..=body.len() {
            assert_eq!(
                read([&body[..split], &body[split..]]),
                Err(Malformed::AfterTrailers),
                "split at {split}"
            );
        }
    }
}

#[test]
fn a_body_that_ends_inside_a_frame_is_truncated() {
    let (body, whole) = (sample(), whole());
    for end in 0..=body.len() {
        let at_boundary = [0, 12, 17, whole.messages.len(), body.len()].contains(&end);
        let expected = if at_boundary { Ok(()) } else { Err(Malformed::Truncated) };
        assert_eq!(read([&body[..end]]).map(drop), expected, "cut at {end}");
    }
}

#[test]
fn compressed_messages_and_unknown_flags_are_errors() {
    for (flags, error) in [
        (0x01, Malformed::Compressed),
        (0x81, Malformed::Compressed),
        (0x02, Malformed::Flags(0x02)),
        (0xff, Malformed::Flags(0xff)),
    ] {
        assert_eq!(read([&frame(flags, b"")[..]]), Err(error));
    }
}

#[test]
fn trailers_that_are_too_long_are_rejected_by_their_length() {
    assert_eq!(read([&b"\x80\xff\xff\xff\xff"[..]]), Err(Malformed::TrailersTooLong(u32::MAX)));
}

#[test]
fn trailers_may_be_empty() {
    assert_eq!(read([&frame(TRAILERS, b"")[..]]).unwrap().trailers, Some(Bytes::new()));
}

proptest! {
    #[test]
    fn any_messages_in_any_chunks_are_decoded(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
        trailers in prop::collection::vec(any::<u8>(), 0..40),
        sizes in prop::collection::vec(1usize..30, 1..8),
    ) {
        let messages = messages.iter().flat_map(|message| frame(MESSAGE, message)).collect::<Vec<_>>();
        let body = [&messages[..], &frame(TRAILERS, &trailers)].concat();
        let mut rest = &body[..];
        let chunks = std::iter::from_fn({
            let mut sizes = sizes.iter().cycle();
            move || {
                let (chunk, left) = rest.split_at(rest.len().min(*sizes.next()?));
                rest = left;
                (!chunk.is_empty()).then_some(chunk)
            }
        });
        prop_assert_eq!(read(chunks), Ok(Decoded { messages, trailers: Some(trailers.into()) }));
    }

    #[test]
    fn no_bytes_panic(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6)) {
        let _ = read(chunks.iter().map(Vec::as_slice));
    }
}
