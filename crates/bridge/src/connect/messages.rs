//! The messages of a response.

use bytes::{Buf as _, Bytes, BytesMut};
use drawbridge_core::frame::{COMPRESSED, PREFIX_LENGTH};
use tonic::Code;

use super::error::ConnectError;

/// Splits the data of a response into its messages, each of which is held until it is whole.
#[derive(Debug)]
pub(super) struct Messages {
    buffer: BytesMut,
    max_bytes: u32,
}

impl Messages {
    /// Messages of at most this many bytes.
    pub(super) fn new(max_bytes: u32) -> Self {
        Self { buffer: BytesMut::new(), max_bytes }
    }

    pub(super) fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// Returns the next message, or `None` if it is not whole.
    ///
    /// # Errors
    ///
    /// Returns the error of the call if the message is too long, or compressed: clients of text could not read it.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, ConnectError> {
        let Some((prefix, rest)) = self.buffer.split_at_checked(PREFIX_LENGTH) else { return Ok(None) };
        let [flags, length @ ..] = prefix else { return Ok(None) };
        let length = length.iter().fold(0, |length, byte| length << 8 | u32::from(*byte));
        if flags & COMPRESSED != 0 {
            return Err(ConnectError::new(Code::Internal, "the response has a compressed message"));
        }
        if length > self.max_bytes {
            let message = format!("response message of {length} bytes: at most {} are held", self.max_bytes);
            return Err(ConnectError::new(Code::ResourceExhausted, message));
        }
        if rest.len() < length as usize {
            return Ok(None);
        }
        self.buffer.advance(PREFIX_LENGTH);
        Ok(Some(self.buffer.split_to(length as usize).freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_whole_wherever_their_data_is_split() {
        let data = b"\0\0\0\0\x03abc\0\0\0\0\0\0\0\0\0\x01d";
        for split in 0..=data.len() {
            let mut messages = Messages::new(3);
            let mut found = Vec::new();
            for piece in [&data[..split], &data[split..]] {
                messages.push(piece);
                while let Some(message) = messages.next().unwrap() {
                    found.push(message);
                }
            }
            assert_eq!(found, ["abc", "", "d"], "{split}");
        }
    }

    #[test]
    fn long_and_compressed_messages_are_errors_before_they_are_held() {
        for (prefix, code) in [(b"\0\0\0\0\x04", "resource_exhausted"), (b"\x01\0\0\0\x01", "internal")] {
            let mut messages = Messages::new(3);
            messages.push(prefix);
            assert!(messages.next().unwrap_err().to_json().contains(code));
        }
    }
}
