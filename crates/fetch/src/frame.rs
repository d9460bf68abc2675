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
    begun: usize,
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
                    self.begun += 1;
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

    /// Returns how many messages have begun in what was taken out.
    pub(crate) fn begun(&self) -> usize {
        self.begun
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
mod tests;
