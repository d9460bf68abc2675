//! Which methods may be called with GET.

use std::sync::Arc;

use crate::method_kinds::MethodKinds;
use crate::method_pattern::MethodPattern;

/// The methods that may be called with GET: those that their descriptors declare to have no side effects, and those that the
/// configuration names.
#[derive(Clone, Debug)]
pub(crate) struct SafeMethods {
    kinds: Arc<MethodKinds>,
    patterns: Arc<[MethodPattern]>,
}

impl SafeMethods {
    pub(crate) fn new(kinds: Arc<MethodKinds>, patterns: Arc<[MethodPattern]>) -> Self {
        Self { kinds, patterns }
    }

    /// Returns whether the method with this path may be called with GET.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.kinds.is_safe(path) || self.patterns.iter().any(|pattern| pattern.covers(path))
    }
}
