//! Makes plans from definitions.

use super::descriptor;
use super::features::{Features, Presence};
use super::kind::{Kind, MessageId};
use super::plan::{EnumPlan, Field, MessagePlan, Shape};
use super::symbols::{EnumSymbol, Symbol, Symbols, join};
use super::well_known::{NULL_VALUE, WellKnown};
use crate::text;

const LABEL_REPEATED: i32 = 3;
const TYPE_MESSAGE: i32 = 11;
const TYPE_GROUP: i32 = 10;
const TYPE_ENUM: i32 = 14;
/// The largest number of a field.
const MAX_NUMBER: u32 = (1 << 29) - 1;

/// Makes the plan of a message.
pub(super) fn message(symbols: &Symbols, id: MessageId) -> MessagePlan {
    let symbol = &symbols.messages[id.0 as usize];
    let well_known = WellKnown::of(&symbol.name);
    let Some((definition, features)) = &symbol.definition else {
        return MessagePlan { well_known, ..MessagePlan::default() };
    };
    let options = definition.options.unwrap_or_default();
    let entry = options.map_entry == Some(true);
    let mut named: Vec<(Field, Vec<String>)> = definition
        .field
        .iter()
        .filter_map(|field| {
            let oneof =
                field.oneof_index.and_then(|index| definition.oneof_decl.get(usize::try_from(index).ok()?));
            let features = features.with(oneof.and_then(|oneof| oneof.options?.features));
            let name = field.name.clone().unwrap_or_default();
            let json = field.json_name.clone().unwrap_or_else(|| text::camel_case(&name));
            let compiled = compile(symbols, field, &symbol.name, features, entry, &json)?;
            Some((compiled, vec![json, name]))
        })
        .collect();
    named.extend(symbol.extensions.iter().filter_map(|index| {
        let extension = &symbols.extensions[*index as usize];
        let field = &extension.definition;
        let name = join(&extension.scope, field.name.as_deref().unwrap_or_default());
        let json = format!("[{name}]");
        let compiled = compile(symbols, field, &extension.scope, extension.features, false, &json)?;
        Some((compiled, vec![json]))
    }));
    named.sort_by_key(|(field, _)| field.number);
    named.dedup_by_key(|(field, _)| field.number);

    let mut known_as: Vec<(Box<str>, u32)> = Vec::new();
    let mut fields = Vec::new();
    for (at, (field, names)) in (0..).zip(named) {
        known_as.extend(names.into_iter().map(|name| (name.into(), at)));
        fields.push(field);
    }
    known_as.sort();
    // The name that is both is there once; of two fields with one name, the first counts.
    known_as.dedup_by(|(one, _), (other, _)| one == other);
    let required = (0..)
        .zip(&fields)
        .filter(|(_, field)| field.presence == Presence::Required)
        .map(|(at, _)| at)
        .collect();
    MessagePlan {
        fields: fields.into(),
        names: known_as.into(),
        required,
        oneofs: definition.oneof_decl.len(),
        well_known,
        message_set: options.message_set_wire_format == Some(true),
    }
}

/// Makes the plan of an enumeration.
pub(super) fn enumeration(symbol: &EnumSymbol) -> EnumPlan {
    let values = symbol.definition.value.iter();
    let values =
        values.map(|value| (value.name.as_deref().unwrap_or_default().into(), value.number.unwrap_or(0)));
    EnumPlan::new(values.collect(), symbol.features.closed_enum)
}

/// Makes a field from its definition. Returns `None` if its number cannot be on the wire.
fn compile(
    symbols: &Symbols,
    field: &descriptor::Field,
    scope: &str,
    features: Features,
    in_map_entry: bool,
    json_name: &str,
) -> Option<Field> {
    let number = u32::try_from(field.number?).ok().filter(|number| (1..=MAX_NUMBER).contains(number))?;
    let kind = kind(symbols, field, scope);
    let features = features.of_field(field);
    let repeated = field.label == Some(LABEL_REPEATED);
    let shape = match kind {
        _ if !repeated => Shape::Singular,
        Kind::Message(id) => map(symbols, id).unwrap_or(Shape::Repeated),
        _ => Shape::Repeated,
    };
    let is_message = matches!(kind, Kind::Message(_));
    // An entry of a map is always behind its length, and so is its value.
    let delimited = features.delimited && is_message && !in_map_entry && !matches!(shape, Shape::Map { .. });
    let presence = match features.presence {
        Presence::Implicit if is_message => Presence::Explicit,
        presence => presence,
    };
    let presence = if repeated { Presence::Implicit } else { presence };
    let oneof = field.oneof_index.filter(|_| field.proto3_optional != Some(true));
    let mut key = Vec::new();
    text::write_string(&mut key, json_name);
    key.push(b':');
    Some(Field {
        number,
        key: String::from_utf8(key).unwrap_or_default().into(),
        kind,
        shape,
        presence,
        packed: repeated && features.packed && kind.is_packable(),
        delimited,
        oneof: oneof.and_then(|index| u32::try_from(index).ok()),
    })
}

/// Returns the type of a field.
fn kind(symbols: &Symbols, field: &descriptor::Field, scope: &str) -> Kind {
    let named = match field.r#type {
        // The type may be left out if it has a name.
        None | Some(0 | TYPE_MESSAGE | TYPE_GROUP | TYPE_ENUM) => {
            field.type_name.as_deref().unwrap_or_default()
        }
        Some(scalar) => return Kind::of_scalar(scalar).unwrap_or(Kind::Missing),
    };
    if named.strip_prefix('.') == Some(NULL_VALUE) {
        return Kind::NullValue;
    }
    match symbols.resolve(named, scope) {
        Some(Symbol::Message(id)) => Kind::Message(id),
        Some(Symbol::Enum(id)) if *symbols.enums[id.0 as usize].name == *NULL_VALUE => Kind::NullValue,
        Some(Symbol::Enum(id)) => Kind::Enum(id),
        None => Kind::Missing,
    }
}

/// Returns the types of keys and values if a message is an entry of a map.
fn map(symbols: &Symbols, entry: MessageId) -> Option<Shape> {
    let symbol = &symbols.messages[entry.0 as usize];
    let (definition, _) = symbol.definition.as_ref()?;
    if definition.options?.map_entry != Some(true) {
        return None;
    }
    let part = |number| {
        let field = definition.field.iter().find(|field| field.number == Some(number))?;
        (field.label != Some(LABEL_REPEATED)).then(|| kind(symbols, field, &symbol.name))
    };
    let key = part(1).filter(|key| key.is_map_key())?;
    Some(Shape::Map { key, value: part(2)? })
}
