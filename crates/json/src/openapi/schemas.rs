//! JSON schemas of messages and enumerations.

use std::collections::BTreeMap;

use super::writer::Writer;
use crate::schema::Presence;
use crate::schema::kind::{EnumId, Kind, MessageId};
use crate::schema::plan::{Field, Shape};
use crate::schema::types::Types;
use crate::schema::well_known::WellKnown;

/// The schemas of a document: those that its methods need, by full name.
#[derive(Default)]
pub(super) struct Schemas {
    wanted: BTreeMap<String, Wanted>,
}

#[derive(Clone, Copy)]
enum Wanted {
    Message(MessageId),
    Enum(EnumId),
}

impl Schemas {
    /// Adds a message and all that it contains.
    pub(super) fn add(&mut self, types: &Types, id: MessageId) {
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let plan = types.message(id);
            if plan.well_known.is_some() || self.wanted.contains_key(types.name(id)) {
                continue;
            }
            self.wanted.insert(types.name(id).to_owned(), Wanted::Message(id));
            for field in &plan.fields {
                let kind = match field.shape {
                    Shape::Map { value, .. } => value,
                    _ => field.kind,
                };
                match kind {
                    Kind::Message(inner) => open.push(inner),
                    Kind::Enum(inner) => {
                        self.wanted.insert(types.enum_name(inner).to_owned(), Wanted::Enum(inner));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Writes all schemas as members of an object.
    pub(super) fn write(&self, types: &Types, writer: &mut Writer) {
        for (name, wanted) in &self.wanted {
            writer.key(name);
            match wanted {
                Wanted::Message(id) => message(types, *id, writer),
                Wanted::Enum(id) => writer.object(|writer| {
                    writer.key("type").string("string");
                    writer.key("enum").array(|writer| {
                        for name in types.enumeration(*id).names() {
                            writer.string(name);
                        }
                    });
                }),
            }
        }
    }
}

/// Writes a reference to the schema of a message, or the schema of a well-known type.
pub(super) fn reference(types: &Types, id: MessageId, writer: &mut Writer) {
    let Some(well_known) = types.message(id).well_known else {
        return reference_to(types.name(id), writer);
    };
    match well_known {
        WellKnown::Any => writer.raw(r#"{"type":"object","properties":{"@type":{"type":"string"}}}"#),
        WellKnown::Duration => {
            writer.raw(r#"{"type":"string","pattern":"^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$"}"#);
        }
        WellKnown::FieldMask => writer.raw(r#"{"type":"string"}"#),
        WellKnown::ListValue => writer.raw(r#"{"type":"array"}"#),
        WellKnown::Struct => writer.raw(r#"{"type":"object"}"#),
        WellKnown::Timestamp => writer.raw(r#"{"type":"string","format":"date-time"}"#),
        WellKnown::Value => writer.raw("{}"),
        WellKnown::Wrapper(kind) => writer.object(|writer| {
            writer.key("oneOf").array(|writer| {
                value(types, kind, writer);
                writer.raw(r#"{"type":"null"}"#);
            });
        }),
    }
}

fn reference_to(name: &str, writer: &mut Writer) {
    writer.object(|writer| writer.key("$ref").string(&format!("#/components/schemas/{name}")));
}

fn message(types: &Types, id: MessageId, writer: &mut Writer) {
    let plan = types.message(id);
    writer.object(|writer| {
        writer.key("type").string("object");
        writer.key("properties").object(|writer| {
            for field in &plan.fields {
                // The name is escaped already.
                writer.raw(&field.key);
                property(types, field, writer);
            }
        });
        if !plan.required.is_empty() {
            writer.key("required").array(|writer| {
                for field in plan.fields.iter().filter(|field| field.presence == Presence::Required) {
                    writer.raw(field.key.trim_end_matches(':'));
                }
            });
        }
    });
}

fn property(types: &Types, field: &Field, writer: &mut Writer) {
    match field.shape {
        Shape::Singular => value(types, field.kind, writer),
        Shape::Repeated => writer.object(|writer| {
            writer.key("type").string("array");
            value(types, field.kind, writer.key("items"));
        }),
        Shape::Map { value: kind, .. } => writer.object(|writer| {
            writer.key("type").string("object");
            value(types, kind, writer.key("additionalProperties"));
        }),
    }
}

fn value(types: &Types, kind: Kind, writer: &mut Writer) {
    let json = match kind {
        Kind::Message(id) => return reference(types, id, writer),
        Kind::Enum(id) => return reference_to(types.enum_name(id), writer),
        Kind::Double | Kind::Float => {
            r#"{"oneOf":[{"type":"number"},{"type":"string","enum":["NaN","Infinity","-Infinity"]}]}"#
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => r#"{"type":"integer","format":"int32"}"#,
        Kind::Uint32 | Kind::Fixed32 => r#"{"type":"integer","minimum":0,"maximum":4294967295}"#,
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => r#"{"type":"string","format":"int64"}"#,
        Kind::Uint64 | Kind::Fixed64 => r#"{"type":"string","format":"uint64"}"#,
        Kind::Bool => r#"{"type":"boolean"}"#,
        Kind::String => r#"{"type":"string"}"#,
        Kind::Bytes => r#"{"type":"string","contentEncoding":"base64"}"#,
        Kind::NullValue => r#"{"type":"null"}"#,
        Kind::Missing => "{}",
    };
    writer.raw(json);
}
