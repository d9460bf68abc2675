//! JSON that is no message.

use std::borrow::Cow;
use std::fmt;

use crate::path::{Path, Step};

/// Why JSON was refused: where, and what would be right.
///
/// Its text is meant for who sent the JSON: `user.age: expected an integer, found "ten" (line 3, column 9)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    path: String,
    line: usize,
    column: usize,
    reason: Cow<'static, str>,
    kind: Kind,
}

/// What kind of error it is, for who decides what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Malformed,
    Unknown,
    TooLarge,
}

impl JsonError {
    /// Returns where in the message the error is, in the names of the JSON: `users[2].name`, or `labels["a"]` for an entry of a
    /// map. It is empty if the whole is wrong.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the line of the error, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the column of the error, from 1, in characters.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns what is wrong and what would be right.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns whether the message would be larger than `ParseOptions::max_bytes`.
    pub fn is_too_large(&self) -> bool {
        self.kind == Kind::TooLarge
    }

    /// Returns whether the schema lacks something that the JSON names: a field, a value of an enumeration or the type of an `Any`. A newer
    /// schema may have it.
    pub fn is_unknown(&self) -> bool {
        self.kind == Kind::Unknown
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        write!(formatter, "{} (line {}, column {})", self.reason, self.line, self.column)
    }
}

impl std::error::Error for JsonError {}

/// An error on its way out. It is small, because errors are rare.
#[derive(Debug)]
pub(super) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    at: usize,
    path: Path,
    reason: Cow<'static, str>,
    kind: Kind,
}

/// What was read, or an error.
pub(super) type Parsed<T> = Result<T, Fault>;

impl Fault {
    /// Makes an error at a position in the text.
    pub(super) fn new(at: usize, reason: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { at, path: Path::default(), reason: reason.into(), kind: Kind::Malformed }))
    }

    pub(super) fn too_large(at: usize, max: usize) -> Self {
        let mut fault = Self::new(at, format!("the message is larger than {max} bytes"));
        fault.0.kind = Kind::TooLarge;
        fault
    }

    /// Makes the error of something that the schema does not have.
    pub(super) fn unknown(at: usize, reason: String) -> Self {
        let mut fault = Self::new(at, reason);
        fault.0.kind = Kind::Unknown;
        fault
    }

    /// Adds the step outside of those that are there.
    pub(super) fn within(mut self, step: Step) -> Self {
        self.0.path.enclose(step);
        self
    }

    /// Moves the error to the start of the text: positions in JSON are of no use for a text that is none.
    pub(super) fn at_start(mut self) -> Self {
        self.0.at = 0;
        self
    }

    /// Finds line and column in the text. `text` is valid up to the error.
    pub(super) fn locate(self, text: &[u8]) -> JsonError {
        let before = &text[..self.0.at.min(text.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let is_start_of_character = |byte: &&u8| **byte & 0xc0 != 0x80;
        JsonError {
            path: self.0.path.to_string(),
            line: before.split(|byte| *byte == b'\n').count(),
            column: 1 + before[line_start..].iter().filter(is_start_of_character).count(),
            reason: self.0.reason,
            kind: self.0.kind,
        }
    }
}
