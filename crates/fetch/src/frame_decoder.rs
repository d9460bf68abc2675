//! Decodes the frames of a gRPC-Web body from chunks of any size.

use bytes::{Bytes, BytesMut};
use drawbridge_core::frame::{COMPRESSED, TRAILERS};

use crate::malformed::Malformed;

/// The flags of a frame with an uncompressed message.
const MESSAGE: u8 = 0x00;
/// The limit on the length of trailers, in bytes: more than browsers and servers accept as headers.
const MAX_TRAILERS: u32 = 1 << 20;

/// A part of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Bytes of message frames, with their prefixes, as they arrived.
    Messages(Bytes),
    /// The whole payload of the trailers frame.
    Trailers(Bytes),
}

/// Splits a body into message bytes and the trailers.
///
/// Message bytes are passed on as they arrive, also parts of a frame: tonic's client reassembles them. So a complete
/// message never waits for the rest of the next one. Only the trailers frame is collected.
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
    /// In the four length bytes of a frame, `read` of which have arrived.
    Length { trailers: bool, read: u8, length: u32 },
    /// In the payload of a message.
    Message { left: u32 },
    /// In the payload of the trailers frame.
    Trailers { left: u32 },
    /// After the trailers frame. Nothing may follow.
    End,
}

impl FrameDecoder {
    /// Takes the next chunk. Call [`Self::next`] until it returns `None` before the next chunk.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "the previous chunk was not read to its end");
        self.chunk = chunk;
    }

    /// Returns the next part, or `None` if the chunk has no further one.
    pub(crate) fn next(&mut self) -> Result<Option<Part>, Malformed> {
        // How many bytes at the start of the chunk belong to message frames.
        let mut messages = 0;
        while let Some(&byte) = self.chunk.get(messages) {
            match self.state {
                State::Boundary if byte == MESSAGE => {
                    self.state = State::Length { trailers: false, read: 0, length: 0 };
                    self.begun += 1;
                    messages += 1;
                }
                // Return the messages first: what follows may be malformed, or trailers that are not complete.
                State::Boundary | State::End if messages > 0 => break,
                State::Boundary => {
                    self.state = after_flags(byte)?;
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

    /// Returns how many messages have begun so far.
    pub(crate) fn begun(&self) -> usize {
        self.begun
    }

    /// Checks that the body may end here, which is between two frames or after the trailers.
    pub(crate) fn check_complete(&self) -> Result<(), Malformed> {
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

/// Returns the state after the flags of a frame that is not an uncompressed message.
fn after_flags(flags: u8) -> Result<State, Malformed> {
    match flags {
        TRAILERS => Ok(State::Length { trailers: true, read: 0, length: 0 }),
        _ if flags & !TRAILERS == COMPRESSED => Err(Malformed::Compressed),
        _ => Err(Malformed::Flags(flags)),
    }
}

/// Returns the state after the `read`th length byte.
fn after_length_byte(trailers: bool, read: u8, length: u32) -> Result<State, Malformed> {
    match (read, trailers, length) {
        (..4, ..) => Ok(State::Length { trailers, read, length }),
        (_, false, 0) => Ok(State::Boundary),
        (_, false, left) => Ok(State::Message { left }),
        (_, true, MAX_TRAILERS..) => Err(Malformed::TrailersTooLong(length)),
        (_, true, left) => Ok(State::Trailers { left }),
    }
}

/// Takes up to `left` of `available` bytes. Returns how many were taken and how many are left.
fn take(left: u32, available: usize) -> (usize, u32) {
    let taken = u32::try_from(available).unwrap_or(u32::MAX).min(left);
    (taken as usize, left - taken)
}

#[cfg(test)]
mod tests;
