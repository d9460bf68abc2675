//! The state of a translation to JSON.

use std::ops::Range;

use super::error::{Printed, WireError};
use super::options::PrintOptions;
use crate::schema::types::Types;
use crate::text;

/// Reads a buffer and writes JSON.
pub(super) struct Printer<'a> {
    pub(super) types: &'a Types,
    pub(super) buffer: &'a [u8],
    pub(super) out: Vec<u8>,
    pub(super) options: PrintOptions,
}

impl<'a> Printer<'a> {
    /// Fails if too much was written.
    pub(super) fn check_size(&self) -> Printed<()> {
        if self.out.len() > self.options.max_bytes {
            return Err(WireError::too_large(self.options.max_bytes));
        }
        Ok(())
    }

    /// Returns a string of the buffer.
    pub(super) fn string(&self, range: Range<usize>) -> Printed<&'a str> {
        std::str::from_utf8(&self.buffer[range]).map_err(|_| WireError::new("the string is not UTF-8"))
    }

    /// Writes a string of the buffer.
    pub(super) fn write_string(&mut self, range: Range<usize>) -> Printed<()> {
        let string = self.string(range)?;
        text::write_string(&mut self.out, string);
        Ok(())
    }

    /// Writes a comma, except before the first of several things.
    pub(super) fn comma(&mut self, first: &mut bool) {
        if !std::mem::take(first) {
            self.out.push(b',');
        }
    }
}
