//! The router: which view the address selects, and links that do not reload the page.

use leptos::ev;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast as _;
use wasm_bindgen::JsValue;

/// The root path. It is replaced by the path of the start view.
pub(crate) const ROOT: &str = "/";

/// The path of the browser's address.
#[derive(Clone, Copy)]
pub(crate) struct Route(RwSignal<String>);

impl Route {
    /// Reads the address, and handles clicks on links and the back and forward buttons from then on. The current owner,
    /// which should be the page's, stops it.
    pub(crate) fn listen() -> Self {
        let route = Self(RwSignal::new(path()));
        let click = window_event_listener(ev::click, move |event| {
            // When the page cannot navigate, the browser follows the link itself.
            if let Some(target) = link_target(&event)
                && route.navigate(&target)
            {
                event.prevent_default();
            }
        });
        let back = window_event_listener(ev::popstate, move |_| route.0.set(path()));
        on_cleanup(move || {
            click.remove();
            back.remove();
        });
        route
    }

    /// Replaces the root path by `start`. Any other path stays.
    pub(crate) fn leave_root(self, start: &str) {
        if self.0.read_untracked().as_str() == ROOT {
            // Replaced, not pushed, so that the back button does not lead to the root again.
            if let Ok(history) = window().history() {
                let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(start));
            }
            self.0.set(path());
        }
    }

    /// Returns the path, tracked.
    pub(crate) fn path(self) -> String {
        self.0.get()
    }

    /// Navigates to a path of this page. Returns whether the browser allowed it.
    fn navigate(self, target: &str) -> bool {
        if self.0.read_untracked().as_str() == target {
            return true;
        }
        let pushed = window()
            .history()
            .and_then(|history| history.push_state_with_url(&JsValue::NULL, "", Some(target)));
        if pushed.is_ok() {
            self.0.set(path());
            window().scroll_to_with_x_and_y(0.0, 0.0);
        }
        pushed.is_ok()
    }
}

fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// Returns the path of the clicked link, or `None` for a click that opens a new tab or leads to another site.
fn link_target(event: &web_sys::MouseEvent) -> Option<String> {
    let modified = event.meta_key() || event.alt_key() || event.ctrl_key() || event.shift_key();
    if event.default_prevented() || event.button() != 0 || modified {
        return None;
    }
    let element = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    let link = element.closest("a[href^='/']:not([rel])").ok()??;
    link.get_attribute("href")
}
