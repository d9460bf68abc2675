//! How JSON is read.

/// What happens to a member of an object that the message has no field for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownFields {
    /// It is an error, so that a misspelt name is noticed.
    #[default]
    Refuse,
    /// It is skipped, and so is an enumeration's value that has no number.
    Ignore,
}

/// How JSON is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseOptions {
    /// What happens to members of objects that have no field.
    pub unknown_fields: UnknownFields,
    /// The largest message in protobuf, in bytes. Default: 4 MiB, as gRPC's receivers have.
    pub max_bytes: usize,
    /// Whether the values come from a text without types, such as the query of a URL: a boolean may be a string, and a list may be its one
    /// element. Default: no.
    pub untyped: bool,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self { unknown_fields: UnknownFields::Refuse, max_bytes: 4 * 1024 * 1024, untyped: false }
    }
}
