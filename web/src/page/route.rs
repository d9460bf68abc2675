//! Which view is shown, and how a link leads to another one without loading the page anew.

use leptos::ev;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast as _;
use wasm_bindgen::JsValue;

/// The start of the site. What is shown there is another path's.
pub(crate) const START: &str = "/";

/// The path of the address, as the browser shows it. It belongs to the page.
#[derive(Clone, Copy)]
pub(crate) struct Route(RwSignal<String>);

impl Route {
    /// Reads the address, and follows it from then on: links of this page, and the browser's back and forward.
    pub(crate) fn follow() -> Self {
        let route = Self(RwSignal::new(path()));
        let click = window_event_listener(ev::click, move |event| {
            // Where the browser does not let the page follow the link, it follows it by itself.
            if let Some(target) = target(&event)
                && route.go(&target)
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

    /// Goes from the start of the site to `home`, for those who are there.
    pub(crate) fn start(self, home: &str) {
        if self.0.read_untracked().as_str() == START {
            // In the place of the start, which would otherwise be one step back.
            if let Ok(history) = window().history() {
                let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(home));
            }
            self.0.set(path());
        }
    }

    /// Returns the path, tracked.
    pub(crate) fn path(self) -> String {
        self.0.get()
    }

    /// Goes to a path of this page, if the browser allows it.
    fn go(self, target: &str) -> bool {
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

/// Returns where a click leads within the page. What opens a new tab, or leads elsewhere, is for the browser.
fn target(event: &web_sys::MouseEvent) -> Option<String> {
    let modified = event.meta_key() || event.alt_key() || event.ctrl_key() || event.shift_key();
    if event.default_prevented() || event.button() != 0 || modified {
        return None;
    }
    let element = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    let link = element.closest("a[href^='/']:not([rel])").ok()??;
    link.get_attribute("href")
}
