//! Messages that have no JSON.

use std::borrow::Cow;
use std::fmt;

use crate::path::{Path, Step};
use crate::wire::Malformed;

/// Why a message was not translated to JSON: it is malformed, or has a value that JSON cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    path: Path,
    reason: Cow<'static, str>,
    too_large: bool,
}

/// What was written, or an error.
pub(super) type Printed<T> = Result<T, WireError>;

impl WireError {
    /// Returns where in the message the error is, in the names of the JSON: `users[2].name`, or `labels["a"]` for an entry of a
    /// map. It is empty if the whole is wrong.
    pub fn path(&self) -> String {
        self.0.path.to_string()
    }

    /// Returns what is wrong.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Returns whether the text would be larger than `PrintOptions::max_bytes`.
    pub fn is_too_large(&self) -> bool {
        self.0.too_large
    }

    pub(super) fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { path: Path::default(), reason: reason.into(), too_large: false }))
    }

    pub(super) fn too_large(max: usize) -> Self {
        let mut error = Self::new(format!("the text is larger than {max} bytes"));
        error.0.too_large = true;
        error
    }

    /// Adds the step outside of those that are there.
    pub(super) fn within(mut self, step: Step) -> Self {
        self.0.path.enclose(step);
        self
    }
}

impl From<Malformed> for WireError {
    fn from(malformed: Malformed) -> Self {
        Self::new(malformed.reason())
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        if !path.is_empty() {
            write!(formatter, "{path}: ")?;
        }
        formatter.write_str(&self.0.reason)
    }
}

impl std::error::Error for WireError {}
