//! The head of a view.

use super::illustration::illustration;
use crate::page::dom::{BoxedView, element, text};

/// Shows the head of a view: a title in a few short sentences, an introduction, and the illustration.
pub(crate) fn hero(title: &[&'static str], introduction: &'static str) -> BoxedView {
    let title = title.iter().flat_map(|sentence| [element("span", &[], [text(*sentence)]), text(" ")]);
    let children = [element("h1", &[], title), element("p", &[], [text(introduction)]), illustration()];
    element("header", &[("class", "hero")], children)
}
