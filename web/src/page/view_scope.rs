//! The scope of a view: what the view owns lives until the user leaves it.

use leptos::ev;
use leptos::prelude::*;
use leptos::reactive::owner::WeakOwner;

use crate::page::dom::{BoxedView, keyed_list};
use crate::page::rpc::DroppedCalls;

/// Shows `view` under `title` in a reactive scope that ends when the user leaves the view.
///
/// The scope ends when the router removes the view, and on `pagehide`: when the page is closed, reloaded, left for another
/// site, or put into the back/forward cache. Its reactive owner is then cleaned up at once, which drops the view's calls and
/// runs its `on_cleanup`; a view needs no other code for leaving. A page that the browser restores from the back/forward
/// cache gets a new scope with a new view.
pub(crate) fn view_scope(title: &'static str, view: fn() -> BoxedView) -> BoxedView {
    document().set_title(&format!("{title} · Drawbridge"));
    let generation = RwSignal::new(0_usize);
    // Weak, because an owner that holds a strong reference to itself is never cleaned up.
    let owner = StoredValue::new(None::<WeakOwner>);
    let dropped = expect_context::<DroppedCalls>();
    // This must be the first `pagehide` listener. Chromium settles promises between two listeners, and the page's fetches
    // have failed by then: the view would see failed calls in place of open ones.
    let hide =
        window_event_listener(ev::Custom::<web_sys::PageTransitionEvent>::new("pagehide"), move |_| {
            dropped.set_unloading(true);
            if let Some(owner) = owner.get_value().and_then(|owner| owner.upgrade()) {
                owner.cleanup();
            }
        });
    let show =
        window_event_listener(ev::Custom::<web_sys::PageTransitionEvent>::new("pageshow"), move |event| {
            dropped.set_unloading(false);
            if event.persisted() {
                generation.update(|generation| *generation += 1);
            }
        });
    on_cleanup(move || {
        hide.remove();
        show.remove();
    });
    // A list of one item: a new key replaces the item with all its elements.
    keyed_list(
        move || vec![generation.get()],
        move |_| {
            owner.set_value(Owner::current().map(|owner| owner.downgrade()));
            view()
        },
    )
}
