//! Splits a body into messages.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use drawbridge_core::frame::{COMPRESSED, PREFIX_LENGTH};
use tonic::Status;

use super::compression::Compression;

/// Collects the chunks of a body until a message is whole.
pub(super) struct Frames {
    buffer: BytesMut,
    max_bytes: u32,
    compression: Compression,
}

impl Frames {
    /// Accepts messages of at most this many bytes, compressed and decompressed.
    pub(super) fn new(max_bytes: u32, compression: Compression) -> Self {
        Self { buffer: BytesMut::new(), max_bytes, compression }
    }

    /// Adds the next chunk of the body.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// Returns the next message, if it is whole.
    ///
    /// # Errors
    ///
    /// Returns the status of the call if the message is too long, has unknown flags, or cannot be decompressed.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Status> {
        let Some(prefix) = self.buffer.first_chunk::<PREFIX_LENGTH>() else { return Ok(None) };
        let [flags, length @ ..] = *prefix;
        let length = u32::from_be_bytes(length);
        if flags & !COMPRESSED != 0 {
            return Err(Status::internal(format!(
                "message with flags {flags:#04x}: expected 0 (plain) or 1 (compressed)"
            )));
        }
        if length > self.max_bytes {
            let max = self.max_bytes;
            return Err(Status::resource_exhausted(format!(
                "message of {length} bytes: at most {max} are accepted"
            )));
        }
        let whole = PREFIX_LENGTH + length as usize;
        if self.buffer.len() < whole {
            return Ok(None);
        }
        self.buffer.advance(PREFIX_LENGTH);
        let message = self.buffer.split_to(length as usize).freeze();
        if flags & COMPRESSED == 0 {
            return Ok(Some(message));
        }
        self.compression.decompress(&message, self.max_bytes).map(Some)
    }

    /// Returns whether the body may end here.
    pub(super) fn is_at_boundary(&self) -> bool {
        self.buffer.is_empty()
    }
}

/// Adds a message with its prefix to a body.
pub(super) fn put_message(out: &mut BytesMut, message: &[u8]) -> Result<(), Status> {
    let length = u32::try_from(message.len())
        .map_err(|_| Status::resource_exhausted("a message has at most 4 GiB"))?;
    out.reserve(PREFIX_LENGTH + message.len());
    out.put_u8(0);
    out.put_u32(length);
    out.put_slice(message);
    Ok(())
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn messages_are_found_in_chunks_of_any_size() {
        let mut body = BytesMut::new();
        for message in [&b"one"[..], b"", b"three"] {
            put_message(&mut body, message).unwrap();
        }
        for size in 1..=body.len() {
            let mut frames = Frames::new(5, Compression::Gzip);
            let mut messages = Vec::new();
            for chunk in body.chunks(size) {
                frames.push(chunk);
                while let Some(message) = frames.next().unwrap() {
                    messages.push(message);
                }
            }
            assert_eq!(messages, [&b"one"[..], b"", b"three"], "{size}");
            assert!(frames.is_at_boundary());
        }
    }

    #[test]
    fn a_message_is_refused_by_its_prefix() {
        for (prefix, code) in [([0, 0, 0, 0, 6], Code::ResourceExhausted), ([2, 0, 0, 0, 1], Code::Internal)]
        {
            let mut frames = Frames::new(5, Compression::Gzip);
            frames.push(&prefix);
            assert_eq!(frames.next().unwrap_err().code(), code);
        }
        let mut frames = Frames::new(5, Compression::Gzip);
        frames.push(&[0, 0]);
        assert!(frames.next().unwrap().is_none() && !frames.is_at_boundary());
    }
}
