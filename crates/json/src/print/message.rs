//! Messages: objects, and the well-known types among them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::dynamic::too_deep;
use super::error::{Printed, WireError};
use super::occurrences::{self, Occurrence};
use super::parts::Parts;
use super::printer::Printer;
use super::scalar::{self, Integer};
use super::{dynamic, well_known};
use crate::path::Step;
use crate::schema::Presence;
use crate::schema::kind::{Kind, MessageId, WireType};
use crate::schema::plan::{Field, MessagePlan, Shape};
use crate::schema::types::Types;
use crate::schema::well_known::WellKnown;
use crate::text::{self, excerpt};
use crate::wire::Reader;

/// Writes messages with a printer.
pub(super) struct Messages<'p, 'a> {
    printer: &'p mut Printer<'a>,
    /// The fields of the messages that are being written, innermost last.
    found: Vec<Occurrence>,
}

/// A key of a map, in the order in which keys are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum MapKey<'a> {
    Bool(bool),
    Integer(Integer),
    String(&'a str),
}

/// An entry of a map, with a value that is a message or another one.
struct MapEntry<'a> {
    key: MapKey<'a>,
    message: Parts,
    scalar: Option<Reader<'a>>,
}

impl<'p, 'a> Messages<'p, 'a> {
    pub(super) fn new(printer: &'p mut Printer<'a>) -> Self {
        Self { printer, found: Vec::new() }
    }

    /// Writes a message. It may contain `depth` levels of messages, itself included.
    pub(super) fn message(&mut self, id: MessageId, parts: &Parts, depth: u32) -> Printed<()> {
        match self.types().message(id).well_known {
            None => self.object(id, parts, depth, None),
            Some(WellKnown::Any) => self.any(parts, depth),
            Some(WellKnown::Duration) => well_known::duration(self.printer, parts),
            Some(WellKnown::FieldMask) => well_known::field_mask(self.printer, parts),
            Some(WellKnown::ListValue) => dynamic::list(self.printer, parts, depth),
            Some(WellKnown::Struct) => dynamic::object(self.printer, parts, depth),
            Some(WellKnown::Timestamp) => well_known::timestamp(self.printer, parts),
            Some(WellKnown::Value) => dynamic::value(self.printer, parts, depth),
            Some(WellKnown::Wrapper(kind)) => well_known::wrapper(self.printer, parts, kind),
        }
    }

    fn types(&self) -> &'a Types {
        self.printer.types
    }

    /// Writes an object whose members are fields, after `@type` if it is in an `Any`.
    fn object(&mut self, id: MessageId, parts: &Parts, depth: u32, any_type: Option<&str>) -> Printed<()> {
        let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
        let plan = self.types().message(id);
        let base = self.found.len();
        occurrences::find(self.printer, plan, parts, &mut self.found)?;
        let end = self.found.len();
        self.printer.out.push(b'{');
        let mut first = true;
        if let Some(url) = any_type {
            first = false;
            self.printer.out.extend_from_slice(b"\"@type\":");
            text::write_string(&mut self.printer.out, url);
        }
        let emit_defaults = self.printer.options.emit_defaults;
        let mut required = plan.required.iter();
        let mut next = 0;
        let mut at = base;
        while at < end {
            let index = self.found[at].field();
            let until = at + self.found[at..end].iter().take_while(|found| found.field() == index).count();
            if emit_defaults {
                self.defaults(&plan.fields[next..index], &mut first);
            }
            next = index + 1;
            let field = &plan.fields[index];
            if field.presence == Presence::Required {
                missing(plan, required.next(), index)?;
            }
            self.field(field, at, until, depth, &mut first)
                .map_err(|error| error.within(Step::Field(field.json_name().to_owned())))?;
            self.printer.check_size()?;
            at = until;
        }
        if emit_defaults {
            self.defaults(&plan.fields[next..], &mut first);
        }
        missing(plan, required.next(), usize::MAX)?;
        self.printer.out.push(b'}');
        self.found.truncate(base);
        Ok(())
    }

    /// Writes the default values of those fields that have no presence.
    fn defaults(&mut self, fields: &[Field], first: &mut bool) {
        for field in fields.iter().filter(|field| field.presence == Presence::Implicit) {
            self.key(field, first);
            match field.shape {
                Shape::Singular => scalar::default(self.printer, field.kind),
                Shape::Repeated => self.printer.out.extend_from_slice(b"[]"),
                Shape::Map { .. } => self.printer.out.extend_from_slice(b"{}"),
            }
        }
    }

    fn key(&mut self, field: &Field, first: &mut bool) {
        self.printer.comma(first);
        self.printer.out.extend_from_slice(field.key.as_bytes());
    }

    /// Writes the field whose values are `found[at..until]`.
    fn field(&mut self, field: &Field, at: usize, until: usize, depth: u32, first: &mut bool) -> Printed<()> {
        let (start, was_first) = (self.printer.out.len(), *first);
        let is_empty = match (field.shape, field.kind) {
            (Shape::Singular, Kind::Message(id)) => {
                self.key(field, first);
                let mut parts = Parts::one(self.part(field, at)?);
                for more in at + 1..until {
                    parts.push(self.part(field, more)?);
                }
                self.message(id, &parts, depth)?;
                false
            }
            (Shape::Singular, kind) => {
                let mut reader = self.found[until - 1].reader(self.printer.buffer);
                let omit = field.presence == Presence::Implicit && !self.printer.options.emit_defaults;
                if kind == Kind::Missing || !omit || !scalar::is_default(kind, reader)? {
                    self.key(field, first);
                    scalar::scalar(self.printer, kind, &mut reader)?;
                }
                false
            }
            (Shape::Repeated, _) => {
                self.key(field, first);
                self.repeated(field, at, until, depth)?
            }
            (Shape::Map { key, value }, _) => {
                self.key(field, first);
                self.map(key, value, at, until, depth)?
            }
        };
        // A list or map that has only unknown values of an enumeration.
        if is_empty && !self.printer.options.emit_defaults {
            self.printer.out.truncate(start);
            *first = was_first;
        }
        Ok(())
    }

    /// Returns where a message is that is the value of a field.
    fn part(&self, field: &Field, at: usize) -> Printed<std::ops::Range<usize>> {
        let mut reader = self.found[at].reader(self.printer.buffer);
        Ok(if field.delimited { reader.group(field.number)? } else { reader.length_prefixed()? })
    }

    /// Writes a list. Returns whether it has no element.
    fn repeated(&mut self, field: &Field, at: usize, until: usize, depth: u32) -> Printed<bool> {
        self.printer.out.push(b'[');
        let mut index = 0;
        for at in at..until {
            let occurrence = self.found[at];
            let mut reader = occurrence.reader(self.printer.buffer);
            let mut end = reader.at();
            if occurrence.is_packed() {
                let range = reader.length_prefixed()?;
                end = range.end;
                reader = Reader::new(self.printer.buffer, &range);
                if range.is_empty() {
                    continue;
                }
            }
            loop {
                self.element(field, at, &mut reader, &mut index, depth)
                    .map_err(|error| error.within(Step::Index(index)))?;
                if reader.at() >= end {
                    break;
                }
            }
        }
        self.printer.out.push(b']');
        Ok(index == 0)
    }

    fn element(
        &mut self,
        field: &Field,
        at: usize,
        reader: &mut Reader<'a>,
        index: &mut usize,
        depth: u32,
    ) -> Printed<()> {
        if let Kind::Enum(id) = field.kind
            && !scalar::is_known(self.printer, id, *reader)?
        {
            reader.varint()?;
            return Ok(());
        }
        self.printer.comma(&mut (*index == 0));
        match field.kind {
            Kind::Message(id) => {
                let part = self.part(field, at)?;
                self.message(id, &Parts::one(part), depth)?;
            }
            kind => scalar::scalar(self.printer, kind, reader)?,
        }
        *index += 1;
        self.printer.check_size()
    }

    /// Writes a map in the order of its keys. Returns whether it has no entry.
    fn map(&mut self, key: Kind, value: Kind, at: usize, until: usize, depth: u32) -> Printed<bool> {
        let mut entries = Vec::with_capacity(until - at);
        for at in at..until {
            entries.extend(self.entry(key, value, self.found[at])?);
        }
        // Of several entries with one key, the last counts.
        entries.reverse();
        entries.sort_by_key(|entry| entry.key);
        entries.dedup_by_key(|entry| entry.key);
        self.printer.out.push(b'{');
        let mut first = true;
        for entry in &entries {
            self.printer.comma(&mut first);
            let out = &mut self.printer.out;
            let start = out.len();
            match entry.key {
                MapKey::Bool(value) => out.extend_from_slice(if value { b"\"true\"" } else { b"\"false\"" }),
                MapKey::Integer(value) => scalar::write_integer_key(out, value),
                MapKey::String(value) => text::write_string(out, value),
            }
            let quoted = start + 1..out.len() - 1;
            out.push(b':');
            self.map_value(value, entry, depth).map_err(|error| {
                let key = String::from_utf8_lossy(self.printer.out.get(quoted).unwrap_or_default());
                error.within(Step::Key(excerpt(&key)))
            })?;
            self.printer.check_size()?;
        }
        self.printer.out.push(b'}');
        Ok(first)
    }

    fn map_value(&mut self, kind: Kind, entry: &MapEntry<'a>, depth: u32) -> Printed<()> {
        match (kind, entry.scalar) {
            (Kind::Message(id), _) => self.message(id, &entry.message, depth),
            (kind, Some(mut reader)) => scalar::scalar(self.printer, kind, &mut reader),
            (kind, None) => {
                scalar::default(self.printer, kind);
                Ok(())
            }
        }
    }

    /// Reads an entry of a map. Returns `None` if its value is an unknown one of an enumeration: the entry is an unknown field then.
    fn entry(&self, key: Kind, value: Kind, occurrence: Occurrence) -> Printed<Option<MapEntry<'a>>> {
        let buffer = self.printer.buffer;
        let mut key_at = None;
        let mut message: Option<Parts> = None;
        let mut scalar_at = None;
        let entry = Parts::one(occurrence.reader(buffer).length_prefixed()?);
        entry.each_field(buffer, |number, wire_type, reader| {
            match number {
                1 if wire_type == key.wire_type() => key_at = Some(*reader),
                2 if wire_type == WireType::Length && matches!(value, Kind::Message(_)) => {
                    let part = reader.length_prefixed()?;
                    match &mut message {
                        Some(parts) => parts.push(part),
                        None => message = Some(Parts::one(part)),
                    }
                    return Ok(());
                }
                2 if wire_type == value.wire_type() => scalar_at = Some(*reader),
                _ => {}
            }
            Ok(reader.skip(number, wire_type)?)
        })?;
        if let (Kind::Enum(id), Some(reader)) = (value, scalar_at)
            && !scalar::is_known(self.printer, id, reader)?
        {
            return Ok(None);
        }
        let key = match (key, key_at) {
            (Kind::Bool, reader) => MapKey::Bool(match reader {
                Some(mut reader) => reader.varint()? != 0,
                None => false,
            }),
            (Kind::String, Some(mut reader)) => {
                MapKey::String(self.printer.string(reader.length_prefixed()?)?)
            }
            (Kind::String, None) => MapKey::String(""),
            (kind, Some(mut reader)) => MapKey::Integer(scalar::integer(kind, &mut reader)?),
            (kind, None) => {
                // The default: the varint and the fixed number zero begin with the same byte.
                MapKey::Integer(scalar::integer(kind, &mut Reader::new(&[0; 8], &(0..8)))?)
            }
        };
        Ok(Some(MapEntry { key, message: message.unwrap_or_default(), scalar: scalar_at }))
    }

    fn any(&mut self, parts: &Parts, depth: u32) -> Printed<()> {
        let inner_depth = depth.checked_sub(1).ok_or_else(too_deep)?;
        let (mut url, mut value) = (0..0, 0..0);
        parts.each_field(self.printer.buffer, |number, wire_type, reader| {
            match (number, wire_type) {
                (1, WireType::Length) => url = reader.length_prefixed()?,
                (2, WireType::Length) => value = reader.length_prefixed()?,
                _ => reader.skip(number, wire_type)?,
            }
            Ok(())
        })?;
        let url = self.printer.string(url)?;
        if url.is_empty() && value.is_empty() {
            self.printer.out.extend_from_slice(b"{}");
            return Ok(());
        }
        let id = url.rsplit_once('/').and_then(|(_, name)| self.types().symbols.message(name));
        let within = |error: WireError| error.within(Step::Field("value".to_owned()));
        match id {
            Some(id) if self.types().message(id).well_known.is_none() => {
                return self.object(id, &Parts::one(value), inner_depth, Some(url));
            }
            _ => {}
        }
        self.printer.out.extend_from_slice(b"{\"@type\":");
        text::write_string(&mut self.printer.out, url);
        if let Some(id) = id {
            self.printer.out.extend_from_slice(b",\"value\":");
            self.message(id, &Parts::one(value), inner_depth).map_err(within)?;
        } else {
            // An error's details must not make the error unreadable. No field's name begins with `@`.
            self.printer.out.extend_from_slice(b",\"@value\":\"");
            let encoded = BASE64_STANDARD.encode(&self.printer.buffer[value]);
            self.printer.out.extend_from_slice(encoded.as_bytes());
            self.printer.out.push(b'"');
        }
        self.printer.out.push(b'}');
        Ok(())
    }
}

/// Fails if a required field is missing: the next one that is required is not the one that was found.
fn missing(plan: &MessagePlan, next: Option<&u32>, found: usize) -> Printed<()> {
    match next {
        Some(next) if *next as usize != found => {
            let name = plan.fields[*next as usize].json_name();
            Err(WireError::new(format!("the required field \"{name}\" is missing")))
        }
        _ => Ok(()),
    }
}
