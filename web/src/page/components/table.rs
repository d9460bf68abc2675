//! Tables.

use crate::page::dom::{BoxedView, element, text};

/// Shows the head of a column. The role is explicit, because a style sheet that changes the layout of a table removes the
/// implicit one.
pub(crate) fn column_head(head: &str) -> BoxedView {
    element("th", &[("role", "columnheader"), ("scope", "col")], [text(head)])
}
