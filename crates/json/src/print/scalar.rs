//! Numbers, strings, bytes and enumerations.

use std::fmt::LowerExp;
use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::error::{Printed, WireError};
use super::printer::Printer;
use crate::schema::kind::{EnumId, Kind, WireType};
use crate::wire::{Malformed, Reader};

/// Reads a value and writes it.
pub(super) fn scalar(printer: &mut Printer<'_>, kind: Kind, reader: &mut Reader<'_>) -> Printed<()> {
    match kind {
        Kind::Double => write_double(&mut printer.out, f64::from_bits(reader.fixed64()?)),
        Kind::Float => write_float(&mut printer.out, f32::from_bits(reader.fixed32()?)),
        Kind::Bool => {
            let value = reader.varint()? != 0;
            printer.out.extend_from_slice(if value { b"true" } else { b"false" });
        }
        Kind::String => {
            let range = reader.length_prefixed()?;
            printer.write_string(range)?;
        }
        Kind::Bytes => {
            let range = reader.length_prefixed()?;
            let encoded = BASE64_STANDARD.encode(&printer.buffer[range]);
            quoted(&mut printer.out, encoded.as_bytes());
        }
        Kind::Enum(id) => {
            let number = reader.varint()? as i32;
            write_enum(printer, id, number);
        }
        Kind::NullValue => {
            reader.varint()?;
            printer.out.extend_from_slice(b"null");
        }
        Kind::Message(_) | Kind::Missing => {
            return Err(WireError::new("the schema does not have the type of this field"));
        }
        _ => write_integer(&mut printer.out, integer(kind, reader)?),
    }
    Ok(())
}

/// Writes the default value of a type that is no message.
pub(super) fn default(printer: &mut Printer<'_>, kind: Kind) {
    let text: &[u8] = match kind {
        Kind::Enum(id) => return write_enum(printer, id, 0),
        Kind::String | Kind::Bytes => b"\"\"",
        Kind::Bool => b"false",
        Kind::NullValue | Kind::Message(_) | Kind::Missing => b"null",
        Kind::Double | Kind::Float => b"0",
        _ if is_64_bits(kind) => b"\"0\"",
        _ => b"0",
    };
    printer.out.extend_from_slice(text);
}

/// Returns whether a value is the default of its type.
pub(super) fn is_default(kind: Kind, mut reader: Reader<'_>) -> Printed<bool> {
    Ok(match kind.wire_type() {
        WireType::Fixed64 => reader.fixed64()? == 0,
        WireType::Fixed32 => reader.fixed32()? == 0,
        WireType::Length => reader.length_prefixed()?.is_empty(),
        _ if is_64_bits(kind) || kind == Kind::Bool => reader.varint()? == 0,
        _ => reader.varint()? as u32 == 0,
    })
}

/// Returns whether an enumeration has a value, or may have any.
pub(super) fn is_known(printer: &Printer<'_>, id: EnumId, mut reader: Reader<'_>) -> Printed<bool> {
    let plan = printer.types.enumeration(id);
    Ok(!plan.closed || plan.name(reader.varint()? as i32).is_some())
}

/// An integer: 32 bits are a number in JSON, 64 bits a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Integer {
    I32(i32),
    U32(u32),
    I64(i64),
    U64(u64),
}

/// Reads an integer.
pub(super) fn integer(kind: Kind, reader: &mut Reader<'_>) -> Result<Integer, Malformed> {
    Ok(match kind {
        Kind::Uint32 => Integer::U32(reader.varint()? as u32),
        Kind::Sint32 => {
            let value = reader.varint()? as u32;
            Integer::I32((value >> 1) as i32 ^ -((value & 1) as i32))
        }
        Kind::Fixed32 => Integer::U32(reader.fixed32()?),
        Kind::Sfixed32 => Integer::I32(reader.fixed32()? as i32),
        Kind::Int64 => Integer::I64(reader.varint()? as i64),
        Kind::Uint64 => Integer::U64(reader.varint()?),
        Kind::Sint64 => {
            let value = reader.varint()?;
            Integer::I64((value >> 1) as i64 ^ -((value & 1) as i64))
        }
        Kind::Fixed64 => Integer::U64(reader.fixed64()?),
        Kind::Sfixed64 => Integer::I64(reader.fixed64()? as i64),
        _ => Integer::I32(reader.varint()? as i32),
    })
}

/// Writes a number that is finite, or one of the three names of those that are not.
pub(super) fn write_double(out: &mut Vec<u8>, value: f64) {
    match name(value) {
        Some(name) => quoted(out, name),
        None => write_finite(out, value, value.abs()),
    }
}

fn write_float(out: &mut Vec<u8>, value: f32) {
    match name(f64::from(value)) {
        Some(name) => quoted(out, name),
        None => write_finite(out, value, f64::from(value.abs())),
    }
}

fn name(value: f64) -> Option<&'static [u8]> {
    match value {
        _ if value.is_nan() => Some(b"NaN"),
        f64::INFINITY => Some(b"Infinity"),
        f64::NEG_INFINITY => Some(b"-Infinity"),
        _ => None,
    }
}

/// Writes the shortest digits that are read back as the same value.
fn write_finite(out: &mut Vec<u8>, value: impl LowerExp + std::fmt::Display, magnitude: f64) {
    // Writing to a vector does not fail.
    let _ = if magnitude == 0.0 {
        // `-0` is an integer to some readers, and loses its sign.
        write!(out, "{value}").map(|()| {
            if out.ends_with(b"-0") {
                out.extend_from_slice(b".0");
            }
        })
    } else if (1e-5..1e16).contains(&magnitude) {
        write!(out, "{value}")
    } else {
        write!(out, "{value:e}")
    };
}

fn write_integer(out: &mut Vec<u8>, value: Integer) {
    let mut buffer = itoa::Buffer::new();
    match value {
        Integer::I32(value) => out.extend_from_slice(buffer.format(value).as_bytes()),
        Integer::U32(value) => out.extend_from_slice(buffer.format(value).as_bytes()),
        Integer::I64(value) => quoted(out, buffer.format(value).as_bytes()),
        Integer::U64(value) => quoted(out, buffer.format(value).as_bytes()),
    }
}

/// Writes an integer as a key of a map.
pub(super) fn write_integer_key(out: &mut Vec<u8>, value: Integer) {
    let mut buffer = itoa::Buffer::new();
    let text = match value {
        Integer::I32(value) => buffer.format(value),
        Integer::U32(value) => buffer.format(value),
        Integer::I64(value) => buffer.format(value),
        Integer::U64(value) => buffer.format(value),
    };
    quoted(out, text.as_bytes());
}

fn write_enum(printer: &mut Printer<'_>, id: EnumId, number: i32) {
    match printer.types.enumeration(id).name(number) {
        Some(name) => crate::text::write_string(&mut printer.out, name),
        None => write_integer(&mut printer.out, Integer::I32(number)),
    }
}

fn quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

fn is_64_bits(kind: Kind) -> bool {
    matches!(kind, Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_shortest_digits() {
        let double = |value| {
            let mut out = Vec::new();
            write_double(&mut out, value);
            String::from_utf8(out).unwrap()
        };
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0.0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (1e-7, "1e-7"),
            (1e300, "1e300"),
            (-1.5e-300, "-1.5e-300"),
            (f64::MAX, "1.7976931348623157e308"),
            (5e-324, "5e-324"),
            (f64::NAN, "\"NaN\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ] {
            assert_eq!(double(value), text);
        }
        let mut out = Vec::new();
        write_float(&mut out, 0.1);
        assert_eq!(out, b"0.1");
    }
}
