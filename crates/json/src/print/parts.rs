//! Where the bytes of a message are.

use std::ops::Range;

use super::error::Printed;
use crate::schema::kind::WireType;
use crate::wire::Reader;

/// The parts of a message in a buffer. A singular field that is there several times has its values merged, and the merged message
/// is what its parts say one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    first: Range<usize>,
    more: Vec<Range<usize>>,
}

impl Parts {
    /// The message that is in one part.
    pub(super) fn one(range: Range<usize>) -> Self {
        Self { first: range, more: Vec::new() }
    }

    /// Adds a part behind the others.
    pub(super) fn push(&mut self, range: Range<usize>) {
        self.more.push(range);
    }

    /// Calls `field` with the number and the wire type of each field. It reads the value from the reader, or skips it.
    pub(super) fn each_field<'a>(
        &self,
        buffer: &'a [u8],
        mut field: impl FnMut(u32, WireType, &mut Reader<'a>) -> Printed<()>,
    ) -> Printed<()> {
        for range in std::iter::once(&self.first).chain(&self.more) {
            let mut reader = Reader::new(buffer, range);
            while !reader.is_at_end() {
                let (number, wire_type) = reader.tag()?;
                field(number, wire_type, &mut reader)?;
            }
        }
        Ok(())
    }
}
