//! Well-known types whose JSON is a string or a number.

use super::error::{Printed, WireError};
use super::parts::Parts;
use super::printer::Printer;
use super::scalar;
use crate::schema::kind::{Kind, WireType};
use crate::{duration, field_mask, text, timestamp};

/// Writes `google.protobuf.Timestamp`.
pub(super) fn timestamp(printer: &mut Printer<'_>, parts: &Parts) -> Printed<()> {
    seconds_and_nanos(printer, parts, timestamp::write, "the timestamp is not between the years 1 and 9999")
}

/// Writes `google.protobuf.Duration`.
pub(super) fn duration(printer: &mut Printer<'_>, parts: &Parts) -> Printed<()> {
    let reason = "the duration is longer than 315,576,000,000 s, or its parts have different signs";
    seconds_and_nanos(printer, parts, duration::write, reason)
}

fn seconds_and_nanos(
    printer: &mut Printer<'_>,
    parts: &Parts,
    write: fn(&mut Vec<u8>, i64, i32) -> Option<()>,
    reason: &'static str,
) -> Printed<()> {
    let (mut seconds, mut nanos) = (0, 0);
    parts.each_field(printer.buffer, |number, wire_type, reader| {
        match (number, wire_type) {
            (1, WireType::Varint) => seconds = reader.varint()? as i64,
            (2, WireType::Varint) => nanos = reader.varint()? as i32,
            _ => reader.skip(number, wire_type)?,
        }
        Ok(())
    })?;
    printer.out.push(b'"');
    write(&mut printer.out, seconds, nanos).ok_or_else(|| WireError::new(reason))?;
    printer.out.push(b'"');
    Ok(())
}

/// Writes `google.protobuf.FieldMask`.
pub(super) fn field_mask(printer: &mut Printer<'_>, parts: &Parts) -> Printed<()> {
    let mut paths = String::new();
    parts.each_field(printer.buffer, |number, wire_type, reader| {
        if (number, wire_type) != (1, WireType::Length) {
            return Ok(reader.skip(number, wire_type)?);
        }
        let path = printer.string(reader.length_prefixed()?)?;
        let camel = field_mask::write_path(path).ok_or_else(|| {
            WireError::new(format!(
                "the path `{}` has no camel case that leads back to it",
                text::excerpt(path)
            ))
        })?;
        if !paths.is_empty() {
            paths.push(',');
        }
        paths.push_str(&camel);
        Ok(())
    })?;
    text::write_string(&mut printer.out, &paths);
    Ok(())
}

/// Writes a wrapper, such as `google.protobuf.Int32Value`.
pub(super) fn wrapper(printer: &mut Printer<'_>, parts: &Parts, kind: Kind) -> Printed<()> {
    let mut value = None;
    parts.each_field(printer.buffer, |number, wire_type, reader| {
        if (number, wire_type) == (1, kind.wire_type()) {
            value = Some(*reader);
        }
        Ok(reader.skip(number, wire_type)?)
    })?;
    if let Some(mut reader) = value {
        scalar::scalar(printer, kind, &mut reader)
    } else {
        scalar::default(printer, kind);
        Ok(())
    }
}
