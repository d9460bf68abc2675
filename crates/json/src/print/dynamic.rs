//! `google.protobuf.Struct`, `Value` and `ListValue`: any JSON.

use std::ops::Range;

use super::error::{Printed, WireError};
use super::parts::Parts;
use super::printer::Printer;
use super::scalar::write_double;
use crate::path::Step;
use crate::schema::kind::WireType;
use crate::text::{self, excerpt};
use crate::wire::{MAX_DEPTH, Reader};

/// What a `Value` is.
enum Value {
    Unset,
    Null,
    Number(f64),
    String(Range<usize>),
    Bool(bool),
    Struct(Parts),
    List(Parts),
}

/// Writes a `Value`.
pub(super) fn value(printer: &mut Printer<'_>, parts: &Parts, depth: u32) -> Printed<()> {
    let mut value = Value::Unset;
    parts.each_field(printer.buffer, |number, wire_type, reader| {
        match (number, wire_type) {
            (1, WireType::Varint) => {
                reader.varint()?;
                value = Value::Null;
            }
            (2, WireType::Fixed64) => value = Value::Number(f64::from_bits(reader.fixed64()?)),
            (3, WireType::Length) => value = Value::String(reader.length_prefixed()?),
            (4, WireType::Varint) => value = Value::Bool(reader.varint()? != 0),
            (5, WireType::Length) => {
                let range = reader.length_prefixed()?;
                match &mut value {
                    Value::Struct(parts) => parts.push(range),
                    _ => value = Value::Struct(Parts::one(range)),
                }
            }
            (6, WireType::Length) => {
                let range = reader.length_prefixed()?;
                match &mut value {
                    Value::List(parts) => parts.push(range),
                    _ => value = Value::List(Parts::one(range)),
                }
            }
            _ => reader.skip(number, wire_type)?,
        }
        Ok(())
    })?;
    match value {
        // Nothing was set: other implementations print it as null too.
        Value::Unset | Value::Null => printer.out.extend_from_slice(b"null"),
        Value::Number(number) if number.is_finite() => write_double(&mut printer.out, number),
        Value::Number(_) => {
            return Err(WireError::new("a number of `google.protobuf.Value` is not finite"));
        }
        Value::String(range) => printer.write_string(range)?,
        Value::Bool(value) => printer.out.extend_from_slice(if value { b"true" } else { b"false" }),
        Value::Struct(parts) => object(printer, &parts, depth)?,
        Value::List(parts) => list(printer, &parts, depth)?,
    }
    Ok(())
}

/// Writes a `Struct`, in the order of its keys.
pub(super) fn object(printer: &mut Printer<'_>, parts: &Parts, depth: u32) -> Printed<()> {
    let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
    let mut entries: Vec<(&str, Parts)> = Vec::new();
    parts.each_field(printer.buffer, |number, wire_type, reader| {
        if (number, wire_type) != (1, WireType::Length) {
            return Ok(reader.skip(number, wire_type)?);
        }
        let (key, value) = map_entry(printer.buffer, reader.length_prefixed()?)?;
        entries.push((printer.string(key)?, value));
        Ok(())
    })?;
    // Of several entries with one key, the last counts.
    entries.reverse();
    entries.sort_by_key(|(key, _)| *key);
    entries.dedup_by_key(|(key, _)| *key);
    printer.out.push(b'{');
    let mut first = true;
    for (key, parts) in &entries {
        printer.comma(&mut first);
        text::write_string(&mut printer.out, key);
        printer.out.push(b':');
        value(printer, parts, depth).map_err(|error| error.within(Step::Key(excerpt(key))))?;
        printer.check_size()?;
    }
    printer.out.push(b'}');
    Ok(())
}

/// Writes a `ListValue`.
pub(super) fn list(printer: &mut Printer<'_>, parts: &Parts, depth: u32) -> Printed<()> {
    let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
    printer.out.push(b'[');
    let mut index = 0;
    parts.each_field(printer.buffer, |number, wire_type, reader| {
        if (number, wire_type) != (1, WireType::Length) {
            return Ok(reader.skip(number, wire_type)?);
        }
        let range = reader.length_prefixed()?;
        printer.comma(&mut (index == 0));
        value(printer, &Parts::one(range), depth).map_err(|error| error.within(Step::Index(index)))?;
        index += 1;
        printer.check_size()
    })?;
    printer.out.push(b']');
    Ok(())
}

/// Returns where the key and the value of an entry of `map<string, Value>` are.
fn map_entry(buffer: &[u8], entry: Range<usize>) -> Printed<(Range<usize>, Parts)> {
    let mut key = 0..0;
    let mut value: Option<Parts> = None;
    let mut reader = Reader::new(buffer, &entry);
    while !reader.is_at_end() {
        match reader.tag()? {
            (1, WireType::Length) => key = reader.length_prefixed()?,
            (2, WireType::Length) => {
                let range = reader.length_prefixed()?;
                match &mut value {
                    Some(parts) => parts.push(range),
                    None => value = Some(Parts::one(range)),
                }
            }
            (number, wire_type) => reader.skip(number, wire_type)?,
        }
    }
    Ok((key, value.unwrap_or_default()))
}

/// Makes the error of a message that is nested too deep.
pub(super) fn too_deep() -> WireError {
    WireError::new(format!("nested more than {MAX_DEPTH} deep"))
}
