//! Messages: objects, and the well-known types among them.

use std::borrow::Cow;
use std::collections::HashSet;

use super::any_types::{AnyTypes, TYPE};
use super::error::{Fault, Parsed};
use super::lexer::too_deep;
use super::parser::Parser;
use super::scalar::{Written, map_key, scalar};
use super::seen::Seen;
use super::{dynamic, well_known};
use crate::path::Step;
use crate::schema::Presence;
use crate::schema::kind::{Kind, MessageId, WireType};
use crate::schema::plan::{Field, MessagePlan, Shape};
use crate::schema::types::Types;
use crate::schema::well_known::{EMPTY, WellKnown};
use crate::text::excerpt;
use crate::wire::{self, write_bytes};

/// Reads messages with a parser.
pub(super) struct Messages<'p, 'a> {
    parser: &'p mut Parser<'a>,
    any_types: AnyTypes,
}

impl<'p, 'a> Messages<'p, 'a> {
    pub(super) fn new(parser: &'p mut Parser<'a>) -> Self {
        Self { parser, any_types: AnyTypes::default() }
    }

    /// Reads a message and writes its fields. It may contain `depth` levels of messages, itself included.
    pub(super) fn message(&mut self, id: MessageId, depth: u32) -> Parsed<()> {
        match self.types().message(id).well_known {
            None => self.object(id, depth, false),
            Some(WellKnown::Any) => self.any(depth),
            Some(WellKnown::Duration) => well_known::duration(self.parser),
            Some(WellKnown::FieldMask) => well_known::field_mask(self.parser),
            Some(WellKnown::ListValue) => dynamic::list(self.parser, depth),
            Some(WellKnown::Struct) => dynamic::object(self.parser, depth),
            Some(WellKnown::Timestamp) => well_known::timestamp(self.parser),
            Some(WellKnown::Value) => dynamic::value(self.parser, depth),
            Some(WellKnown::Wrapper(kind)) => well_known::wrapper(self.parser, kind),
        }
    }

    /// Reads one value, or one element of a list, and writes it with its tag.
    pub(super) fn element(&mut self, field: &Field, depth: u32) -> Parsed<()> {
        self.singular(field, false, depth).map(|_| ())
    }

    fn types(&self) -> &'a Types {
        self.parser.types
    }

    /// Reads an object whose members are fields. In an `Any`, `@type` is there as well.
    fn object(&mut self, id: MessageId, depth: u32, in_any: bool) -> Parsed<()> {
        let types = self.types();
        let plan = types.message(id);
        self.parser.lexer.expect(b'{', "an object")?;
        let depth = depth.checked_sub(1).ok_or_else(|| too_deep(self.parser.lexer.at()))?;
        let mut seen = Seen::new(plan.fields.len());
        let mut oneofs = Seen::new(plan.oneofs);
        let (mut first, mut has_type, mut guess) = (true, false, 0);
        while let Some(key) = self.parser.lexer.next_key(&mut first)? {
            let at = self.parser.lexer.key_at();
            if in_any && key == TYPE {
                self.parser.lexer.string()?;
                if std::mem::replace(&mut has_type, true) {
                    return Err(twice(at, &key));
                }
                continue;
            }
            let Some(index) = plan.by_name(&key, guess) else {
                // `{"@type": "type.googleapis.com/google.protobuf.Empty", "value": {}}` is what some implementations write.
                let is_empty = in_any && key == "value" && types.name(id) == EMPTY;
                if !self.parser.is_lenient() && !is_empty {
                    let reason = format!("`{}` has no field \"{}\"", types.name(id), excerpt(&key));
                    return Err(Fault::unknown(at, reason));
                }
                self.parser.lexer.skip(2 * depth, &mut |_, _, _| {})?;
                continue;
            };
            guess = index + 1;
            if !seen.insert(index) {
                return Err(twice(at, &key));
            }
            self.field(plan, &plan.fields[index], &mut oneofs, depth)
                .map_err(|fault| fault.within(Step::Field(excerpt(&key))))?;
            self.parser.check_size()?;
        }
        match plan.required.iter().find(|index| !seen.contains(**index as usize)) {
            Some(missing) => {
                let name = plan.fields[*missing as usize].json_name();
                Err(Fault::new(self.parser.lexer.at(), format!("the required field \"{name}\" is missing")))
            }
            None => Ok(()),
        }
    }

    fn field(&mut self, plan: &MessagePlan, field: &Field, oneofs: &mut Seen, depth: u32) -> Parsed<()> {
        let takes_null = field.shape == Shape::Singular && self.takes_null(field.kind);
        if !takes_null && self.parser.lexer.literal("null") {
            return Ok(());
        }
        if let Some(oneof) = field.oneof
            && !oneofs.insert(oneof as usize)
        {
            let at = self.parser.lexer.key_at();
            return Err(Fault::new(at, "another member of the same oneof is there as well"));
        }
        match field.shape {
            Shape::Singular if plan.message_set => self.message_set_item(field, depth),
            Shape::Singular => self.singular(field, field.presence == Presence::Implicit, depth).map(|_| ()),
            Shape::Repeated => self.repeated(field, depth),
            Shape::Map { key, value } => self.map(field.number, key, value, depth),
        }
    }

    /// Reads one value and writes it with its tag. Returns whether it was written.
    fn singular(&mut self, field: &Field, omit_default: bool, depth: u32) -> Parsed<bool> {
        let (number, kind) = (field.number, field.kind);
        if field.delimited
            && let Kind::Message(id) = kind
        {
            self.parser.tag(number, WireType::StartGroup);
            self.message(id, depth)?;
            self.parser.tag(number, WireType::EndGroup);
            return Ok(true);
        }
        self.value(number, kind, omit_default, depth)
    }

    /// Reads one value and writes it with its tag, which is not that of a group. Returns whether it was written.
    fn value(&mut self, number: u32, kind: Kind, omit_default: bool, depth: u32) -> Parsed<bool> {
        let tag = self.parser.out.len();
        self.parser.tag(number, kind.wire_type());
        if let Kind::Message(id) = kind {
            let start = wire::begin_length(&mut self.parser.out);
            self.message(id, depth)?;
            wire::end_length(&mut self.parser.out, start);
            return Ok(true);
        }
        let written = match scalar(self.parser, kind)? {
            Written::Value => true,
            Written::Default => !omit_default,
            Written::Nothing => false,
        };
        if !written {
            self.parser.out.truncate(tag);
        }
        Ok(written)
    }

    fn repeated(&mut self, field: &Field, depth: u32) -> Parsed<()> {
        if self.parser.is_untyped() && self.parser.lexer.peek() != Some(b'[') {
            // A list may have its elements one by one on the wire.
            return self.singular(field, false, depth).map(|_| ());
        }
        self.parser.lexer.expect(b'[', "an array")?;
        let tag = self.parser.out.len();
        let mut content = tag;
        if field.packed {
            self.parser.tag(field.number, WireType::Length);
            content = wire::begin_length(&mut self.parser.out);
        }
        let mut first = true;
        let mut index = 0;
        while self.parser.lexer.next_element(&mut first)? {
            let element = if field.packed {
                scalar(self.parser, field.kind).map(|_| ())
            } else {
                self.singular(field, false, depth).map(|_| ())
            };
            element.map_err(|fault| fault.within(Step::Index(index)))?;
            self.parser.check_size()?;
            index += 1;
        }
        if self.parser.out.len() == content {
            self.parser.out.truncate(tag);
        } else if field.packed {
            wire::end_length(&mut self.parser.out, content);
        }
        Ok(())
    }

    fn map(&mut self, number: u32, key_kind: Kind, value_kind: Kind, depth: u32) -> Parsed<()> {
        self.parser.lexer.expect(b'{', "an object")?;
        let mut keys = HashSet::new();
        let mut first = true;
        while let Some(key) = self.parser.lexer.next_key(&mut first)? {
            let at = self.parser.lexer.key_at();
            let step = |fault: Fault, key: &str| fault.within(Step::Key(excerpt(key)));
            let tag = self.parser.out.len();
            self.parser.tag(number, WireType::Length);
            let start = wire::begin_length(&mut self.parser.out);
            self.parser.tag(1, key_kind.wire_type());
            let parsed = map_key(self.parser, key_kind, Cow::clone(&key), at)?;
            if !keys.insert(parsed) {
                return Err(twice(at, &key));
            }
            if self.value(2, value_kind, false, depth).map_err(|fault| step(fault, &key))? {
                wire::end_length(&mut self.parser.out, start);
            } else {
                self.parser.out.truncate(tag);
            }
            self.parser.check_size()?;
        }
        Ok(())
    }

    fn any(&mut self, depth: u32) -> Parsed<()> {
        let parser = &mut *self.parser;
        if parser.lexer.peek() != Some(b'{') {
            return Err(parser.lexer.unexpected("an object with \"@type\""));
        }
        let object = parser.lexer.at();
        let inner_depth = depth.checked_sub(1).ok_or_else(|| too_deep(object))?;
        let Some(type_at) = self.any_types.find(&mut parser.lexer, depth)? else {
            parser.lexer.expect(b'{', "an object")?;
            return match parser.lexer.next_key(&mut true)? {
                None => Ok(()),
                Some(_) => Err(Fault::new(object, "an `Any` needs \"@type\"")),
            };
        };
        parser.lexer.go_to(type_at);
        let url = parser.lexer.string()?;
        parser.lexer.go_to(object);
        let id = self.any_type(&url, type_at)?;
        self.parser.tag(1, WireType::Length);
        write_bytes(&mut self.parser.out, url.as_bytes());
        let tag = self.parser.out.len();
        self.parser.tag(2, WireType::Length);
        let start = wire::begin_length(&mut self.parser.out);
        if self.types().message(id).well_known.is_some() {
            self.any_well_known(id, inner_depth)?;
        } else {
            self.object(id, inner_depth, true)?;
        }
        if self.parser.out.len() == start {
            self.parser.out.truncate(tag);
        } else {
            wire::end_length(&mut self.parser.out, start);
        }
        Ok(())
    }

    fn any_type(&self, url: &str, at: usize) -> Parsed<MessageId> {
        let Some((_, name)) = url.rsplit_once('/') else {
            let reason = format!(
                "expected a URL such as \"type.googleapis.com/pkg.Type\", found \"{}\"",
                excerpt(url)
            );
            return Err(Fault::new(at, reason));
        };
        self.types()
            .symbols
            .message(name)
            .ok_or_else(|| Fault::unknown(at, format!("the schema has no type `{}`", excerpt(name))))
    }

    /// Reads an object with `@type`, and `value` in the JSON of a well-known type.
    fn any_well_known(&mut self, id: MessageId, depth: u32) -> Parsed<()> {
        self.parser.lexer.expect(b'{', "an object")?;
        let (mut first, mut typed, mut has_value) = (true, false, false);
        while let Some(key) = self.parser.lexer.next_key(&mut first)? {
            let at = self.parser.lexer.key_at();
            let found = match &*key {
                TYPE => self.parser.lexer.string().map(|_| &mut typed)?,
                "value" if !has_value => {
                    self.message(id, depth).map_err(|fault| fault.within(Step::Field("value".to_owned())))?;
                    &mut has_value
                }
                "value" => return Err(twice(at, &key)),
                _ if self.parser.is_lenient() => {
                    self.parser.lexer.skip(2 * depth, &mut |_, _, _| {})?;
                    continue;
                }
                _ => {
                    let reason = format!(
                        "expected \"value\" for `{}`, found \"{}\"",
                        self.types().name(id),
                        excerpt(&key)
                    );
                    return Err(Fault::new(at, reason));
                }
            };
            if std::mem::replace(found, true) {
                return Err(twice(at, &key));
            }
        }
        if has_value {
            return Ok(());
        }
        let reason = format!("\"value\" is missing for `{}`", self.types().name(id));
        Err(Fault::new(self.parser.lexer.at(), reason))
    }

    /// Reads an extension of a message with `message_set_wire_format`.
    fn message_set_item(&mut self, field: &Field, depth: u32) -> Parsed<()> {
        self.parser.tag(1, WireType::StartGroup);
        self.parser.tag(2, WireType::Varint);
        wire::write_varint(&mut self.parser.out, u64::from(field.number));
        self.value(3, field.kind, false, depth)?;
        self.parser.tag(1, WireType::EndGroup);
        Ok(())
    }

    /// Returns whether `null` is a value of a type, and does not mean that the field is absent.
    fn takes_null(&self, kind: Kind) -> bool {
        match kind {
            Kind::NullValue => true,
            Kind::Message(id) => self.types().message(id).well_known == Some(WellKnown::Value),
            _ => false,
        }
    }
}

fn twice(at: usize, key: &str) -> Fault {
    Fault::new(at, format!("\"{}\" is there twice", excerpt(key)))
}
