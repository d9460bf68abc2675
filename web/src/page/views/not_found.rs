//! The view for an unknown path.

use leptos::prelude::document;

use crate::page::components::hero;
use crate::page::dom::{BoxedView, boxed, element, text};

/// Shows that there is no such view, and a link to one.
pub(crate) fn not_found() -> BoxedView {
    document().set_title("Not found · Drawbridge");
    let link = element("a", &[("href", "/streams")], [text("Go to Streams")]);
    boxed(vec![
        hero(
            &["Page not found."],
            "This address leads to no view. Check the address, or choose a view above.",
        ),
        element("p", &[("class", "back-link")], [link]),
    ])
}
