//! Well-known types: messages of the package `google.protobuf` that have a JSON of their own.

use super::kind::Kind;

/// A well-known type. Its fields are read and written by their numbers in protobuf's own files, whatever the schema says of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WellKnown {
    Any,
    Duration,
    FieldMask,
    ListValue,
    Struct,
    Timestamp,
    Value,
    /// `BoolValue` and the like: a message with the one field `value`.
    Wrapper(Kind),
}

/// The names without their package.
const ALL: [(&str, WellKnown); 16] = [
    ("Any", WellKnown::Any),
    ("Duration", WellKnown::Duration),
    ("FieldMask", WellKnown::FieldMask),
    ("ListValue", WellKnown::ListValue),
    ("Struct", WellKnown::Struct),
    ("Timestamp", WellKnown::Timestamp),
    ("Value", WellKnown::Value),
    ("BoolValue", WellKnown::Wrapper(Kind::Bool)),
    ("BytesValue", WellKnown::Wrapper(Kind::Bytes)),
    ("DoubleValue", WellKnown::Wrapper(Kind::Double)),
    ("FloatValue", WellKnown::Wrapper(Kind::Float)),
    ("Int32Value", WellKnown::Wrapper(Kind::Int32)),
    ("Int64Value", WellKnown::Wrapper(Kind::Int64)),
    ("StringValue", WellKnown::Wrapper(Kind::String)),
    ("UInt32Value", WellKnown::Wrapper(Kind::Uint32)),
    ("UInt64Value", WellKnown::Wrapper(Kind::Uint64)),
];

/// The package of well-known types, with a dot behind it.
pub(crate) const PACKAGE: &str = "google.protobuf.";
/// An enumeration with a JSON of its own.
pub(crate) const NULL_VALUE: &str = "google.protobuf.NullValue";
/// A message whose JSON is that of other messages, and which some implementations write under `value` in an `Any`.
pub(crate) const EMPTY: &str = "google.protobuf.Empty";

impl WellKnown {
    /// Returns the well-known type with a full name.
    pub(crate) fn of(full_name: &str) -> Option<Self> {
        let name = full_name.strip_prefix(PACKAGE)?;
        ALL.iter().find(|(known, _)| *known == name).map(|(_, well_known)| *well_known)
    }

    /// Returns the full names of all messages that need no descriptor.
    pub(crate) fn names() -> impl Iterator<Item = String> {
        ALL.iter().map(|(name, _)| format!("{PACKAGE}{name}")).chain([EMPTY.to_owned()])
    }
}
