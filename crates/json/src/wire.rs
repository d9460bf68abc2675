//! Protobuf's wire format: tags, varints, lengths, groups.

use std::ops::Range;

use crate::schema::kind::WireType;

/// The deepest nesting of messages, in JSON and on the wire. Protobuf's own implementations have the same limit.
pub(crate) const MAX_DEPTH: u32 = 100;

/// What is wrong with bytes that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    Truncated,
    Varint,
    Tag,
    Group,
    Depth,
}

impl Malformed {
    /// Returns what is wrong, in words.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Truncated => "the message ends within a field",
            Self::Varint => "a varint is longer than 10 bytes",
            Self::Tag => "a tag is malformed",
            Self::Group => "a group has no end, or an end and no start",
            Self::Depth => "groups are nested more than 100 deep",
        }
    }
}

/// Reads a part of a buffer. All positions are those in the buffer.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    buffer: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads `range` of `buffer`.
    pub(crate) fn new(buffer: &'a [u8], range: &Range<usize>) -> Self {
        Self { buffer: &buffer[..range.end], at: range.start }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.buffer.len()
    }

    /// Returns the position in the buffer.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Reads a tag: the number of a field and its wire type.
    pub(crate) fn tag(&mut self) -> Result<(u32, WireType), Malformed> {
        let start = self.at;
        let tag = self.varint()?;
        let tag = u32::try_from(tag).ok().filter(|_| self.at - start <= 5).ok_or(Malformed::Tag)?;
        let wire_type = match tag & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Length,
            3 => WireType::StartGroup,
            4 => WireType::EndGroup,
            5 => WireType::Fixed32,
            _ => return Err(Malformed::Tag),
        };
        if tag >> 3 == 0 {
            return Err(Malformed::Tag);
        }
        Ok((tag >> 3, wire_type))
    }

    pub(crate) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = *self.buffer.get(self.at).ok_or(Malformed::Truncated)?;
            self.at += 1;
            // The tenth byte has one bit of 64; what is above is lost, as in protobuf's own parsers.
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed::Varint)
    }

    pub(crate) fn fixed32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn fixed64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Reads a length, and returns what has that length.
    pub(crate) fn length_prefixed(&mut self) -> Result<Range<usize>, Malformed> {
        let length = usize::try_from(self.varint()?).map_err(|_| Malformed::Truncated)?;
        let start = self.at;
        let end =
            start.checked_add(length).filter(|end| *end <= self.buffer.len()).ok_or(Malformed::Truncated)?;
        self.at = end;
        Ok(start..end)
    }

    /// Reads to the end of a group that has begun, and returns what is in it.
    pub(crate) fn group(&mut self, number: u32) -> Result<Range<usize>, Malformed> {
        let start = self.at;
        let mut open = vec![number];
        loop {
            let before = self.at;
            match self.tag()? {
                (inner, WireType::StartGroup) => {
                    if open.len() >= MAX_DEPTH as usize {
                        return Err(Malformed::Depth);
                    }
                    open.push(inner);
                }
                (inner, WireType::EndGroup) => {
                    if open.pop() != Some(inner) {
                        return Err(Malformed::Group);
                    }
                    if open.is_empty() {
                        return Ok(start..before);
                    }
                }
                (inner, wire_type) => self.skip(inner, wire_type)?,
            }
        }
    }

    /// Reads over a value whose tag was read.
    pub(crate) fn skip(&mut self, number: u32, wire_type: WireType) -> Result<(), Malformed> {
        match wire_type {
            WireType::Varint => self.varint().map(|_| ()),
            WireType::Fixed64 => self.fixed64().map(|_| ()),
            WireType::Length => self.length_prefixed().map(|_| ()),
            WireType::StartGroup => self.group(number).map(|_| ()),
            WireType::EndGroup => Err(Malformed::Group),
            WireType::Fixed32 => self.fixed32().map(|_| ()),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let bytes = self.buffer.get(self.at..).and_then(<[u8]>::first_chunk).ok_or(Malformed::Truncated)?;
        self.at += N;
        Ok(*bytes)
    }
}

/// Writes a tag.
pub(crate) fn write_tag(out: &mut Vec<u8>, number: u32, wire_type: WireType) {
    write_varint(out, u64::from(number << 3 | wire_type as u32));
}

/// Writes a varint in its shortest form.
pub(crate) fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes a length and the bytes that have it.
pub(crate) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Begins something that has its length before it. Returns what [`end_length`] needs.
pub(crate) fn begin_length(out: &mut Vec<u8>) -> usize {
    // Most messages are shorter than 128 bytes. Others are moved when their length is known.
    out.push(0);
    out.len()
}

/// Writes the length of what was written since [`begin_length`] returned `start`.
pub(crate) fn end_length(out: &mut Vec<u8>, start: usize) {
    let end = out.len();
    let length = end - start;
    if length < 0x80 {
        out[start - 1] = length as u8;
        return;
    }
    write_varint(out, length as u64);
    let more = out.len() - end - 1;
    let mut prefix = [0; 10];
    prefix[..=more].copy_from_slice(&out[end..]);
    out.truncate(end + more);
    out.copy_within(start..end, start + more);
    out[start - 1..start + more].copy_from_slice(&prefix[..=more]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_any_size_are_written_before_their_content() {
        for length in [0, 1, 127, 128, 129, 16_383, 16_384, 3_000_000] {
            let mut out = vec![7];
            let start = begin_length(&mut out);
            let content: Vec<u8> = (0..length).map(|at| at as u8).collect();
            out.extend_from_slice(&content);
            end_length(&mut out, start);
            let mut expected = vec![7];
            write_bytes(&mut expected, &content);
            assert!(out == expected, "{length}");
        }
    }

    #[test]
    fn malformed_bytes_are_errors() {
        let tag = |bytes: &[u8]| Reader::new(bytes, &(0..bytes.len())).tag();
        assert_eq!(tag(&[8]), Ok((1, WireType::Varint)));
        assert_eq!(tag(&[0]), Err(Malformed::Tag));
        assert_eq!(tag(&[0x0f]), Err(Malformed::Tag));
        assert_eq!(tag(&[0x88, 0x80, 0x80, 0x80, 0x80, 0]), Err(Malformed::Tag));
        assert_eq!(tag(&[0x88]), Err(Malformed::Truncated));
        let mut reader = Reader::new(&[0xff; 11], &(0..11));
        assert_eq!(reader.varint(), Err(Malformed::Varint));
        let mut reader = Reader::new(&[2, 0], &(0..2));
        assert_eq!(reader.length_prefixed(), Err(Malformed::Truncated));
    }

    #[test]
    fn a_group_ends_at_its_own_end() {
        // Group 1 { group 2 { field 3: 0 } field 4: 0 }
        let bytes = [0x13, 0x18, 0, 0x14, 0x20, 0, 0x0c, 0xff];
        let mut reader = Reader::new(&bytes, &(0..bytes.len()));
        assert_eq!((reader.group(1), reader.at()), (Ok(0..6), 7));
        let mut crossed = Reader::new(&[0x13, 0x0c], &(0..2));
        assert_eq!(crossed.group(1), Err(Malformed::Group));
        let deep = vec![0x0b; 10_000];
        assert_eq!(Reader::new(&deep, &(0..deep.len())).group(1), Err(Malformed::Depth));
    }
}
