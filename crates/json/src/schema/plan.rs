//! What the translation needs to know of a message or an enumeration, in the form in which it needs it.

use super::features::Presence;
use super::kind::Kind;
use super::well_known::WellKnown;

/// A field of a message.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) number: u32,
    /// The name in JSON in quotes, escaped, with a colon behind it.
    pub(crate) key: Box<str>,
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    pub(crate) presence: Presence,
    pub(crate) packed: bool,
    pub(crate) delimited: bool,
    /// The index of the oneof that it is in.
    pub(crate) oneof: Option<u32>,
}

/// How many values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Singular,
    Repeated,
    /// The kind of the field is that of its entries.
    Map {
        key: Kind,
        value: Kind,
    },
}

/// A message.
#[derive(Debug, Default)]
pub(crate) struct MessagePlan {
    /// In the order of their numbers.
    pub(crate) fields: Box<[Field]>,
    /// Names in JSON and in the contract, in the order of the names, with the index of the field.
    pub(crate) names: Box<[(Box<str>, u32)]>,
    /// Indices of required fields.
    pub(crate) required: Box<[u32]>,
    pub(crate) oneofs: usize,
    pub(crate) well_known: Option<WellKnown>,
    /// Its extensions are written as `MessageSet` items.
    pub(crate) message_set: bool,
}

/// An enumeration.
#[derive(Debug, Default)]
pub(crate) struct EnumPlan {
    /// In the order of the names.
    by_name: Box<[(Box<str>, i32)]>,
    /// In the order of the numbers, with the first name of each number.
    by_number: Box<[(i32, Box<str>)]>,
    /// A number without a name is an unknown field.
    pub(crate) closed: bool,
}

impl Field {
    /// Returns the name in JSON, as it is escaped there.
    pub(crate) fn json_name(&self) -> &str {
        self.key.strip_prefix('"').and_then(|key| key.strip_suffix("\":")).unwrap_or(&self.key)
    }
}

impl MessagePlan {
    /// Returns the index of the field with a number.
    pub(crate) fn by_number(&self, number: u32) -> Option<usize> {
        // Most messages number their fields without a gap.
        let dense = number.wrapping_sub(1) as usize;
        if self.fields.get(dense).is_some_and(|field| field.number == number) {
            return Some(dense);
        }
        self.fields.binary_search_by_key(&number, |field| field.number).ok()
    }

    /// Returns the index of the field with a name in JSON or in the contract. `guess` is tried first.
    pub(crate) fn by_name(&self, name: &str, guess: usize) -> Option<usize> {
        if self.fields.get(guess).is_some_and(|field| field.json_name() == name) {
            return Some(guess);
        }
        let at = self.names.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(self.names[at].1 as usize)
    }
}

impl EnumPlan {
    /// Makes the plan from the values in the order of their declaration.
    pub(crate) fn new(values: Vec<(Box<str>, i32)>, closed: bool) -> Self {
        let mut by_number: Vec<_> = values.iter().map(|(name, number)| (*number, name.clone())).collect();
        by_number.sort_by_key(|(number, _)| *number);
        by_number.dedup_by_key(|(number, _)| *number);
        let mut by_name = values;
        by_name.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self { by_name: by_name.into(), by_number: by_number.into(), closed }
    }

    /// Returns the number of a name or an alias.
    pub(crate) fn number(&self, name: &str) -> Option<i32> {
        let at = self.by_name.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(self.by_name[at].1)
    }

    /// Returns the first name of each number, in the order of the numbers.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_number.iter().map(|(_, name)| &**name)
    }

    /// Returns the first name of a number.
    pub(crate) fn name(&self, number: i32) -> Option<&str> {
        let at = self.by_number.binary_search_by_key(&number, |(known, _)| *known).ok()?;
        Some(&self.by_number[at].1)
    }
}
