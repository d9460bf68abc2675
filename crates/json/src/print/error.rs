//! Messages that have no JSON.

use std::borrow::Cow;
use std::fmt;

use crate::path::{Path, Step};
use crate::wire::Malformed;

/// Why a message was not translated to JSON: it is malformed, or has a value that JSON cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError {
    path: Path,
    reason: Cow<'static, str>,
    too_large: bool,
}

/// A result whose error is small, because errors are rare.
pub(super) type Printed<T> = Result<T, Box<WireError>>;

impl WireError {
    /// Returns where in the message the error is, in the names of the JSON: `users[2].name`, or `labels["a"]` for an entry of a
    /// map. It is empty if the whole is wrong.
    pub fn path(&self) -> String {
        self.path.to_string()
    }

    /// Returns what is wrong.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns whether the text would be larger than `PrintOptions::max_bytes`.
    pub fn is_too_large(&self) -> bool {
        self.too_large
    }

    pub(super) fn new(reason: impl Into<Cow<'static, str>>) -> Box<Self> {
        Box::new(Self { path: Path::default(), reason: reason.into(), too_large: false })
    }

    pub(super) fn too_large(max: usize) -> Box<Self> {
        let mut error = Self::new(format!("the text is larger than {max} bytes"));
        error.too_large = true;
        error
    }

    /// Adds the step outside of those that are there.
    pub(super) fn within(mut self: Box<Self>, step: Step) -> Box<Self> {
        self.path.enclose(step);
        self
    }
}

impl From<Malformed> for Box<WireError> {
    fn from(malformed: Malformed) -> Self {
        WireError::new(malformed.reason())
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        if !path.is_empty() {
            write!(formatter, "{path}: ")?;
        }
        formatter.write_str(&self.reason)
    }
}

impl std::error::Error for WireError {}
