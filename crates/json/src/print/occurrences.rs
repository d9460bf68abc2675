//! Which fields a message has, and where.

use super::error::Printed;
use super::parts::Parts;
use super::printer::Printer;
use super::scalar;
use crate::schema::kind::{Kind, WireType};
use crate::schema::plan::{Field, MessagePlan, Shape};
use crate::wire::Reader;

/// A field on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    /// The index of the field in its message.
    field: u32,
    /// The position of what follows its tag, with [`PACKED`] for a packed list.
    at: u32,
}

/// Buffers are smaller than 2 GiB: gRPC's length is of 32 bits, and no bridge takes half of it.
pub(super) const MAX_BUFFER: usize = PACKED as usize - 1;
const PACKED: u32 = 1 << 31;

impl Occurrence {
    /// Returns the index of the field in its message.
    pub(super) fn field(self) -> usize {
        self.field as usize
    }

    /// Returns a reader at the value.
    pub(super) fn reader(self, buffer: &[u8]) -> Reader<'_> {
        Reader::new(buffer, &((self.at & !PACKED) as usize..buffer.len()))
    }

    /// Returns whether this is a packed list.
    pub(super) fn is_packed(self) -> bool {
        self.at & PACKED != 0
    }
}

/// Adds the fields of a message to `found`, ordered by field; those of one field are in the order of the wire. Unknown fields are left out.
pub(super) fn find(
    printer: &Printer<'_>,
    plan: &MessagePlan,
    parts: &Parts,
    found: &mut Vec<Occurrence>,
) -> Printed<()> {
    let base = found.len();
    let mut sorted = true;
    let mut in_oneofs = 0;
    parts.each_field(printer.buffer, |number, wire_type, reader| {
        if plan.message_set && (number, wire_type) == (1, WireType::StartGroup) {
            sorted = false;
            let item = reader.group(number)?;
            return message_set_item(printer.buffer, plan, &Parts::one(item), found);
        }
        let known = plan.by_number(number).filter(|index| matches(&plan.fields[*index], wire_type));
        let Some(index) = known else { return Ok(reader.skip(number, wire_type)?) };
        let field = &plan.fields[index];
        let packed =
            wire_type == WireType::Length && field.shape == Shape::Repeated && field.kind.is_packable();
        if let (Kind::Enum(id), Shape::Singular) = (field.kind, field.shape)
            && !scalar::is_known(printer, id, *reader)?
        {
            return Ok(reader.skip(number, wire_type)?);
        }
        in_oneofs += usize::from(field.oneof.is_some());
        let occurrence = occurrence(index, reader.at(), packed);
        sorted &= found.len() == base || found.last().is_none_or(|last| last.field <= occurrence.field);
        found.push(occurrence);
        Ok(reader.skip(number, wire_type)?)
    })?;
    if in_oneofs > 1 {
        keep_last_members(plan, base, found);
    }
    if !sorted {
        found[base..].sort_by_key(|occurrence| occurrence.field);
    }
    Ok(())
}

fn occurrence(index: usize, at: usize, packed: bool) -> Occurrence {
    // Both fit: a buffer is at most `MAX_BUFFER` long, and a schema has fewer fields than bytes.
    let at = u32::try_from(at).unwrap_or(0);
    Occurrence { field: u32::try_from(index).unwrap_or(0), at: if packed { at | PACKED } else { at } }
}

/// Returns whether a field may have a wire type. One with another type is an unknown field.
fn matches(field: &Field, wire_type: WireType) -> bool {
    let own = if field.delimited { WireType::StartGroup } else { field.kind.wire_type() };
    let is_missing = field.kind == Kind::Missing && wire_type != WireType::EndGroup;
    let is_packed =
        wire_type == WireType::Length && field.shape == Shape::Repeated && field.kind.is_packable();
    wire_type == own || is_packed || is_missing
}

/// Removes members of a oneof that come before another member of it.
fn keep_last_members(plan: &MessagePlan, base: usize, found: &mut Vec<Occurrence>) {
    #[derive(Clone, Copy, PartialEq)]
    enum Last {
        None,
        Member(u32),
        /// The member that counts, and another one before it.
        Done,
    }
    let mut last = vec![Last::None; plan.oneofs];
    let mut removed = Vec::new();
    for (at, occurrence) in found.iter().enumerate().skip(base).rev() {
        let Some(oneof) =
            plan.fields[occurrence.field()].oneof.and_then(|oneof| last.get_mut(oneof as usize))
        else {
            continue;
        };
        match *oneof {
            Last::None => *oneof = Last::Member(occurrence.field),
            Last::Member(member) if member == occurrence.field => {}
            _ => {
                *oneof = Last::Done;
                removed.push(at);
            }
        }
    }
    let mut at = 0;
    found.retain(|_| {
        let keep = removed.last() != Some(&at);
        if !keep {
            removed.pop();
        }
        at += 1;
        keep
    });
}

/// Adds an extension of a message with `message_set_wire_format`.
fn message_set_item(
    buffer: &[u8],
    plan: &MessagePlan,
    item: &Parts,
    found: &mut Vec<Occurrence>,
) -> Printed<()> {
    let (mut type_id, mut message) = (None, None);
    item.each_field(buffer, |number, wire_type, reader| {
        match (number, wire_type) {
            (2, WireType::Varint) => {
                let mut ahead = *reader;
                type_id = u32::try_from(ahead.varint()?).ok();
            }
            (3, WireType::Length) => message = Some(reader.at()),
            _ => {}
        }
        Ok(reader.skip(number, wire_type)?)
    })?;
    if let (Some(index), Some(at)) = (type_id.and_then(|id| plan.by_number(id)), message) {
        found.push(occurrence(index, at, false));
    }
    Ok(())
}
