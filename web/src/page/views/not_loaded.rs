//! What is shown when the module of a view could not be loaded.

use crate::page::components::hero;
use crate::page::dom::{BoxedView, element, text};

/// Shows that the view could not be loaded, and a link that reloads the page.
pub(crate) fn not_loaded() -> BoxedView {
    let link = element("a", &[("href", ""), ("rel", "external")], [text("Reload the page")]);
    let why = "Its part of the program could not be loaded. Check that the server is running, then reload the page.";
    element(
        "section",
        &[("id", "not-loaded"), ("role", "alert")],
        [hero(&["The view has not started."], why), element("p", &[("class", "back-link")], [link])],
    )
}
