//! The frame around the views: masthead, routes, and the state that all views share.

use drawbridge_fetch::{Throttle, Transport};
use leptos::prelude::*;

use super::components::{MetadataText, flag_hint, logo};
use super::dom::{BoxedView, boxed, keyed_list, optional, text, text_signal};
use super::route::{ROOT, Route};
use super::rpc::{DroppedCalls, Receipts, fetch_services};
use super::second_module::SecondModule;
use super::view_scope::view_scope;
use super::views::{LaterViews, not_found, not_loaded, services, streams};

/// A view: its path, its title, and the function that shows it.
type View = (&'static str, &'static str, Code);

/// Where the function that shows a view is.
#[derive(Clone, Copy)]
enum Code {
    /// In the first load.
    First(fn() -> BoxedView),
    /// In the second module.
    Later(fn(LaterViews) -> fn() -> BoxedView),
}

/// The views, in the order of their links. A start view must be in the first load.
const VIEWS: [View; 5] = [
    ("/streams", "Streams", Code::First(streams)),
    ("/greeter", "Greeter", Code::Later(|views| views.greeter)),
    ("/deadlines", "Deadlines", Code::Later(|views| views.deadlines)),
    ("/calls", "Calls", Code::Later(|views| views.calls)),
    ("/services", "Services", Code::First(services)),
];

/// What is shown instead of a view.
const NOT_FOUND: usize = VIEWS.len();

/// An empty page, until the start view is known and while the second module is loaded.
const NOTHING: usize = usize::MAX;

/// The notice that the second module could not be loaded.
const FAILED: usize = usize::MAX - 1;

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
    let second = SecondModule::load_when_idle();
    let selected = Memo::new(move |_| {
        let path = route.path();
        let none = if path == ROOT { NOTHING } else { NOT_FOUND };
        VIEWS.iter().position(|(at, ..)| *at == path).unwrap_or(none)
    });
    Effect::new(move |_| {
        if let Some((.., Code::Later(_))) = VIEWS.get(selected.get()) {
            second.load();
        }
    });
    let shown = Memo::new(move |_| match VIEWS.get(selected.get()) {
        Some((.., Code::Later(_))) if second.views().is_none() => {
            if second.has_failed() {
                FAILED
            } else {
                NOTHING
            }
        }
        _ => selected.get(),
    });
    let links: Vec<_> = VIEWS.iter().enumerate().map(|(number, view)| link(number, view, selected)).collect();
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
                move |number| match VIEWS.get(number) {
                    Some((_, title, Code::First(view))) => view_scope(title, *view),
                    Some((_, title, Code::Later(view))) => match second.views() {
                        Some(views) => view_scope(title, view(views)),
                        None => text(""),
                    },
                    None if number == FAILED => not_loaded(),
                    None if number == NOT_FOUND => not_found(),
                    None => text(""),
                },
            )}
        </main>
    }
}

/// Shows a link to a view, marked if the view is selected.
fn link(number: usize, (path, title, _): &View, selected: Memo<usize>) -> BoxedView {
    let (path, title) = (*path, *title);
    let current = text_signal(move || if selected.get() == number { "page" } else { "false" });
    boxed(view! { <a href=path aria-current=current>{title}</a> })
}
