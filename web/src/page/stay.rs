//! A stay in a view: what the view owns lasts as long as its user is there.

use leptos::ev;
use leptos::prelude::*;
use leptos::reactive::owner::WeakOwner;

use super::left::Left;
use super::part::Part;
use super::rows::rows;

/// Shows `view` for one stay after the other, under `title`.
///
/// A stay ends when the router takes the view away, and also on `pagehide`: when the page is closed, reloaded, left for
/// another site, or put into the back/forward cache. Either way the view's reactive owner is cleaned up there and then,
/// so its calls are dropped and its `on_cleanup` runs; a view needs no other word about leaving. A page that comes back
/// from the cache begins a new stay, with a fresh view.
pub(crate) fn stay(title: &'static str, view: fn() -> Part) -> Part {
    document().set_title(&format!("{title} · Drawbridge"));
    let stays = RwSignal::new(0_usize);
    // Weak, because an owner that is kept alive by what it owns is never cleaned up.
    let owner = StoredValue::new(None::<WeakOwner>);
    let left = expect_context::<Left>();
    // No other listener may come before this one. Between two of them the browser lets promises settle, and those of the
    // page's requests are broken by then: the view would find its calls failed, and not left.
    let hide =
        window_event_listener(ev::Custom::<web_sys::PageTransitionEvent>::new("pagehide"), move |_| {
            left.set_leaving(true);
            if let Some(owner) = owner.get_value().and_then(|owner| owner.upgrade()) {
                owner.cleanup();
            }
        });
    let show =
        window_event_listener(ev::Custom::<web_sys::PageTransitionEvent>::new("pageshow"), move |event| {
            left.set_leaving(false);
            if event.persisted() {
                stays.update(|stays| *stays += 1);
            }
        });
    on_cleanup(move || {
        hide.remove();
        show.remove();
    });
    // A list of one, whose only row is replaced, with its elements, when a new stay begins.
    rows(
        move || vec![stays.get()],
        move |_| {
            owner.set_value(Owner::current().map(|owner| owner.downgrade()));
            view()
        },
    )
}
