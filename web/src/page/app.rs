//! The frame around the views: masthead, routes, and the state that all views share.

use drawbridge_fetch::{Throttle, Transport};
use leptos::prelude::*;

use super::components::{MetadataText, flag_hint, logo};
use super::dom::{BoxedView, boxed, keyed_list, optional, text, text_signal};
use super::route::{ROOT, Route};
use super::rpc::{DroppedCalls, Receipts, fetch_services};
use super::view_scope::view_scope;
use super::views::{calls, deadlines, greeter, not_found, services, streams};

/// A view: its path, its title, and the function that shows it.
type View = (&'static str, &'static str, fn() -> BoxedView);

/// The views, in the order of their links.
const VIEWS: [View; 5] = [
    ("/streams", "Streams", streams),
    ("/greeter", "Greeter", greeter),
    ("/deadlines", "Deadlines", deadlines),
    ("/calls", "Calls", calls),
    ("/services", "Services", services),
];

/// The key of the empty page that is shown until the start view is known.
const UNDECIDED: usize = usize::MAX;

/// Shows the page.
pub(crate) fn app() -> impl IntoView {
    // Page and calls have one server. The user injects failures to watch retries, so the throttle allows many of them.
    let transport = Transport::new(window().location().origin().unwrap_or_default())
        .with_throttle(Throttle::new(1_000, 1.0));
    let route = Route::listen();
    let services = fetch_services(transport.clone(), move |services| {
        if let Some(start) = services.start_path() {
            route.leave_root(start);
        }
    });
    provide_context(services);
    provide_context(Receipts::new(transport.clone()));
    provide_context(transport);
    provide_context(DroppedCalls::new());
    provide_context(MetadataText::new());
    let shown = Memo::new(move |_| {
        let path = route.path();
        let none = if path == ROOT { UNDECIDED } else { VIEWS.len() };
        VIEWS.iter().position(|(at, ..)| *at == path).unwrap_or(none)
    });
    let links: Vec<_> = VIEWS.iter().enumerate().map(|(number, view)| link(number, view, shown)).collect();
    let start = text_signal(move || services.read().start_path().unwrap_or(ROOT));
    view! {
        <header class="masthead">
            <a class="brand" href=start>{logo()}"Drawbridge"</a>
            <nav aria-label="Views">{links}</nav>
        </header>
        <main>
            {optional(move || {
                let note = services.read().missing_note(&route.path());
                let attributes = [("class", "note"), ("id", "missing-service"), ("role", "status")];
                (!note.is_empty()).then(|| flag_hint(&attributes, &note, "--samples", "."))
            })}
            // A list of one item: another view replaces the item with all that it owns.
            {keyed_list(
                move || vec![shown.get()],
                |number| match VIEWS.get(number) {
                    Some((_, title, view)) => view_scope(title, *view),
                    None if number == UNDECIDED => text(""),
                    None => not_found(),
                },
            )}
        </main>
    }
}

/// Shows a link to a view, marked if the view is shown.
fn link(number: usize, (path, title, _): &View, shown: Memo<usize>) -> BoxedView {
    let (path, title) = (*path, *title);
    let current = text_signal(move || if shown.get() == number { "page" } else { "false" });
    boxed(view! { <a href=path aria-current=current>{title}</a> })
}
