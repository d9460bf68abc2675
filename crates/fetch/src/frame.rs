//! Frames of a gRPC-Web body, cut out of chunks that end anywhere.

use bytes::{Bytes, BytesMut};

use crate::malformed::Malformed;

/// The flag of a frame that holds a message as it is.
const MESSAGE: u8 = 0x00;
/// The flag of the frame that holds the trailers, and ends the body.
const TRAILERS: u8 = 0x80;
/// The bit that says of either kind of frame that its payload is compressed.
const COMPRESSED: u8 = 0x01;
/// How long the trailers may be: more than any header block that a browser or server would take.
const MAX_TRAILERS: u32 = 1 << 20;

/// What a body is made of, in the order of arrival.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Bytes of message frames, prefixes included, exactly as they came.
    Messages(Bytes),
    /// The payload of the trailers frame, whole.
    Trailers(Bytes),
}

/// Cuts a body into message bytes and the trailers.
///
/// Message bytes are passed on in the moment in which they arrive, whole frames and beginnings alike: tonic's client
/// puts them together again, and a complete message never waits for the rest of the next one. Only the trailers
/// frame is gathered, because its meaning is in the whole of it.
#[derive(Debug, Default)]
pub(crate) struct FrameDecoder {
    chunk: Bytes,
    state: State,
    trailers: BytesMut,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Between two frames.
    #[default]
    Boundary,
    /// In the four length bytes of a frame, after `read` of them.
    Length { trailers: bool, read: u8, length: u32 },
    /// In the payload of a message.
    Message { left: u32 },
    /// In the payload of the trailers frame.
    Trailers { left: u32 },
    /// Behind the trailers frame, where nothing may follow.
    End,
}

impl FrameDecoder {
    /// Takes the next chunk. All parts of the one before must have been taken out with [`Self::next`].
    pub(crate) fn push(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "a chunk was pushed before the last one was read");
        self.chunk = chunk;
    }

    /// Returns the next part, or `None` when the chunk is used up.
    pub(crate) fn next(&mut self) -> Result<Option<Part>, Malformed> {
        // How many bytes at the front of the chunk belong to messages and can be passed on in one piece.
        let mut messages = 0;
        while let Some(&byte) = self.chunk.get(messages) {
            match self.state {
                State::Boundary if byte == MESSAGE => {
                    self.state = State::Length { trailers: false, read: 0, length: 0 };
                    messages += 1;
                }
                // What is no message must not hold back the messages before it, nor take them along in its fall.
                State::Boundary | State::End if messages > 0 => break,
                State::Boundary => {
                    self.state = after_flag(byte)?;
                    let _ = self.chunk.split_to(1);
                }
                State::Length { trailers, read, length } => {
                    self.state = after_length_byte(trailers, read + 1, length << 8 | u32::from(byte))?;
                    if trailers {
                        let _ = self.chunk.split_to(1);
                        if let State::Trailers { left: 0 } = self.state {
                            return Ok(Some(self.take_trailers()));
                        }
                    } else {
                        messages += 1;
                    }
                }
                State::Message { left } => {
                    let (taken, left) = take(left, self.chunk.len() - messages);
                    messages += taken;
                    self.state = if left == 0 { State::Boundary } else { State::Message { left } };
                }
                State::Trailers { left } => {
                    let (taken, left) = take(left, self.chunk.len());
                    self.trailers.extend_from_slice(&self.chunk.split_to(taken));
                    self.state = State::Trailers { left };
                    if left == 0 {
                        return Ok(Some(self.take_trailers()));
                    }
                }
                State::End => return Err(Malformed::AfterTrailers),
            }
        }
        Ok((messages > 0).then(|| Part::Messages(self.chunk.split_to(messages))))
    }

    /// Checks that the body may end here, which is between two frames or behind the trailers.
    pub(crate) fn finish(&self) -> Result<(), Malformed> {
        match self.state {
            State::Boundary | State::End => Ok(()),
            State::Length { .. } | State::Message { .. } | State::Trailers { .. } => {
                Err(Malformed::Truncated)
            }
        }
    }

    fn take_trailers(&mut self) -> Part {
        self.state = State::End;
        Part::Trailers(self.trailers.split().freeze())
    }
}

/// Returns the state behind the flag of a frame that is no plain message.
fn after_flag(flag: u8) -> Result<State, Malformed> {
    match flag {
        TRAILERS => Ok(State::Length { trailers: true, read: 0, length: 0 }),
        _ if flag & !TRAILERS == COMPRESSED => Err(Malformed::Compressed),
        _ => Err(Malformed::Flag(flag)),
    }
}

/// Returns the state behind the `read`th length byte.
fn after_length_byte(trailers: bool, read: u8, length: u32) -> Result<State, Malformed> {
    match (read, trailers, length) {
        (..4, ..) => Ok(State::Length { trailers, read, length }),
        (_, false, 0) => Ok(State::Boundary),
        (_, false, left) => Ok(State::Message { left }),
        (_, true, MAX_TRAILERS..) => Err(Malformed::TrailersTooLong(length)),
        (_, true, left) => Ok(State::Trailers { left }),
    }
}

/// Takes up to `left` bytes of `available` ones: returns how many, and what is then left.
fn take(left: u32, available: usize) -> (usize, u32) {
    let taken = u32::try_from(available).unwrap_or(u32::MAX).min(left);
    (taken as usize, left - taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(flag: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap();
        [&[flag], &length.to_be_bytes()[..], payload].concat()
    }

    /// Three messages, one of them empty, and the trailers, as a server sends them.
    fn recorded() -> Vec<u8> {
        [
            frame(MESSAGE, b"\x0a\x05hello"),
            frame(MESSAGE, b""),
            frame(MESSAGE, b"\x0a\x03you"),
            frame(TRAILERS, b"grpc-status: 0\r\n"),
        ]
        .concat()
    }

    #[derive(Debug, Default, PartialEq, Eq)]
    struct Read {
        messages: Vec<u8>,
        trailers: Option<Bytes>,
    }

    impl Read {
        fn take(&mut self, decoder: &mut FrameDecoder) -> Result<(), Malformed> {
            while let Some(part) = decoder.next()? {
                match part {
                    Part::Messages(bytes) => {
                        assert!(self.trailers.is_none(), "a message behind the trailers");
                        self.messages.extend_from_slice(&bytes);
                    }
                    Part::Trailers(block) => assert_eq!(self.trailers.replace(block), None),
                }
            }
            Ok(())
        }
    }

    fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Read, Malformed> {
        let (mut decoder, mut read) = (FrameDecoder::default(), Read::default());
        for chunk in chunks {
            decoder.push(Bytes::copy_from_slice(chunk));
            read.take(&mut decoder)?;
        }
        decoder.finish().map(|()| read)
    }

    fn whole() -> Read {
        let body = recorded();
        let trailers = b"grpc-status: 0\r\n";
        Read {
            messages: body[..body.len() - 5 - trailers.len()].to_vec(),
            trailers: Some(Bytes::from_static(trailers)),
        }
    }

    #[test]
    fn every_pair_of_split_points_reads_the_same() {
        let body = recorded();
        for first in 0..=body.len() {
            for second in first..=body.len() {
                let chunks = [&body[..first], &body[first..second], &body[second..]];
                assert_eq!(read(chunks), Ok(whole()), "split at {first} and {second}");
            }
        }
    }

    #[test]
    fn single_bytes_read_the_same() {
        assert_eq!(read(recorded().chunks(1)), Ok(whole()));
    }

    #[test]
    fn message_bytes_never_wait() {
        let body = whole().messages;
        for split in 1..=body.len() {
            let mut decoder = FrameDecoder::default();
            decoder.push(Bytes::copy_from_slice(&body[..split]));
            // All that came so far is handed on at once, and in one piece.
            assert_eq!(decoder.next(), Ok(Some(Part::Messages(Bytes::copy_from_slice(&body[..split])))));
            assert_eq!(decoder.next(), Ok(None));
        }
    }

    #[test]
    fn messages_before_a_broken_frame_are_passed_on_first() {
        let mut decoder = FrameDecoder::default();
        decoder.push([frame(MESSAGE, b"hello"), frame(0x42, b"")].concat().into());
        assert_eq!(decoder.next(), Ok(Some(Part::Messages(frame(MESSAGE, b"hello").into()))));
        assert_eq!(decoder.next(), Err(Malformed::Flag(0x42)));
    }

    #[test]
    fn nothing_may_follow_the_trailers() {
        for next in [&b"\0"[..], b"\x80", b"x"] {
            let body = [&recorded()[..], next].concat();
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
        let (body, whole) = (recorded(), whole());
        for end in 0..=body.len() {
            let at_boundary = [0, 12, 17, whole.messages.len(), body.len()].contains(&end);
            let expected = if at_boundary { Ok(()) } else { Err(Malformed::Truncated) };
            assert_eq!(read([&body[..end]]).map(drop), expected, "cut at {end}");
        }
    }

    #[test]
    fn what_is_compressed_or_unknown_is_refused() {
        for (flag, error) in [
            (0x01, Malformed::Compressed),
            (0x81, Malformed::Compressed),
            (0x02, Malformed::Flag(0x02)),
            (0xff, Malformed::Flag(0xff)),
        ] {
            assert_eq!(read([&frame(flag, b"")[..]]), Err(error));
        }
    }

    #[test]
    fn trailers_that_announce_too_much_are_refused_before_they_come() {
        assert_eq!(read([&b"\x80\xff\xff\xff\xff"[..]]), Err(Malformed::TrailersTooLong(u32::MAX)));
    }

    #[test]
    fn trailers_may_be_empty() {
        assert_eq!(read([&frame(TRAILERS, b"")[..]]).unwrap().trailers, Some(Bytes::new()));
    }

    proptest! {
        #[test]
        fn any_messages_in_any_chunks_come_through(
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
            prop_assert_eq!(read(chunks), Ok(Read { messages, trailers: Some(trailers.into()) }));
        }

        #[test]
        fn no_bytes_panic(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6)) {
            let _ = read(chunks.iter().map(Vec::as_slice));
        }
    }
}
