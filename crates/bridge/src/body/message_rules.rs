//! The rules that the messages of every request keep, hosted or forwarded.

use drawbridge_core::frame::{COMPRESSED, FramePrefix, FrameScanner};
use tonic::Status;

/// Counts the messages of a request by their prefixes, as they pass, and checks each prefix.
pub(crate) struct MessageRules {
    max_message_bytes: u32,
    messages: u64,
    scanner: FrameScanner,
}

impl MessageRules {
    /// Creates the rules for a request whose messages have at most this many bytes.
    pub(crate) fn new(max_message_bytes: u32) -> Self {
        Self { max_message_bytes, messages: 0, scanner: FrameScanner::default() }
    }

    /// Checks the next data of the request.
    ///
    /// # Errors
    ///
    /// Returns the status of the call if a message has unknown flags or is too long.
    pub(crate) fn on_data(&mut self, data: &[u8]) -> Result<(), Status> {
        let Self { max_message_bytes, messages, scanner } = self;
        scanner.scan(data, |FramePrefix { flags, length, .. }| {
            *messages += 1;
            if flags & !COMPRESSED != 0 {
                return Err(unknown_flags(flags));
            }
            if length > *max_message_bytes {
                return Err(too_long(length, *max_message_bytes));
            }
            Ok(())
        })
    }

    /// Returns how many messages have begun so far.
    pub(crate) fn messages(&self) -> u64 {
        self.messages
    }

    /// Checks that the request may end here.
    ///
    /// # Errors
    ///
    /// Returns the status of the call if the request ends inside of a message.
    pub(crate) fn on_end(&self) -> Result<(), Status> {
        if self.scanner.at_boundary() {
            return Ok(());
        }
        Err(Status::internal("the request ended inside a message"))
    }
}

#[cold]
fn unknown_flags(flags: u8) -> Status {
    Status::internal(format!("message with flags {flags:#04x}: expected 0 (plain) or 1 (compressed)"))
}

#[cold]
fn too_long(length: u32, max: u32) -> Status {
    Status::resource_exhausted(format!("message of {length} bytes: at most {max} are accepted"))
}
