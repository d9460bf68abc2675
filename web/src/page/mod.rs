//! What the page shows: everything that needs a browser.
//!
//! [`app`] is the frame; [`stay`] says how long a view owns its calls; [`views`] has one file for each view; a [`call`]
//! is a life, driven by a task, in a view's reactive owner. A [`part`] is what views are made of, [`text()`] what
//! changes in them, and [`plain`] what does not.

mod app;
mod bridge;
mod call;
mod clock;
mod failing_fields;
mod left;
mod news;
mod panic_notice;
mod part;
mod plain;
mod proofs;
mod route;
mod rows;
mod services;
mod stay;
mod terms_fields;
mod text;
mod views;
mod watch;

use leptos::prelude::document;
use leptos::wasm_bindgen::JsCast as _;

/// Takes the place of what `index.html` shows while the page is loading.
pub(crate) fn show() {
    panic_notice::install();
    let root = document().get_element_by_id("app");
    if let Some(root) = root.and_then(|root| root.dyn_into::<web_sys::HtmlElement>().ok()) {
        root.replace_children_with_node_0();
        leptos::mount::mount_to(root, app::app).forget();
    }
}
