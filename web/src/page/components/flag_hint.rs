//! A hint that names a flag of the server.

use crate::page::dom::{BoxedView, element, text};

/// Shows a sentence with a flag of the server between `before` and `after`.
pub(crate) fn flag_hint(
    attributes: &[(&'static str, &str)],
    before: &str,
    flag: &str,
    after: &str,
) -> BoxedView {
    element("p", attributes, [text(before), element("code", &[], [text(flag)]), text(after)])
}
