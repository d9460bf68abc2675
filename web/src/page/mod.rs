//! The user interface: everything that needs a browser.
//!
//! Each folder uses only those above it:
//!
//! 1. [`dom`]: the view type of this page, static elements, keyed lists and text signals.
//! 2. [`rpc`]: calls that belong to a view, and what the page asks the server about calls.
//! 3. [`components`]: form fields, and the parts that show a call.
//! 4. [`views`]: one file per view.
//! 5. [`app`]: the frame around the views. [`view_scope`] ends a view's calls when the user leaves it, and [`route`]
//!    selects the view.

mod app;
mod clock;
mod components;
mod dom;
mod panic_notice;
mod route;
mod rpc;
mod second_module;
mod view_scope;
mod views;

use leptos::prelude::document;
use leptos::wasm_bindgen::JsCast as _;

/// Mounts the page in the place of the loading notice of `index.html`.
pub(crate) fn mount() {
    panic_notice::install();
    let root = document().get_element_by_id("app");
    if let Some(root) = root.and_then(|root| root.dyn_into::<web_sys::HtmlElement>().ok()) {
        root.replace_children_with_node_0();
        leptos::mount::mount_to(root, app::app).forget();
    }
}
