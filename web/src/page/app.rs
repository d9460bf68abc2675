//! The frame around the views: masthead, routes, and what all views share.

use drawbridge_fetch::{Throttle, Transport};
use leptos::prelude::*;

use super::bridge::mark;
use super::left::Left;
use super::part::{Part, part, part_while};
use super::plain::words;
use super::proofs::Proofs;
use super::route::{Route, START};
use super::rows::rows;
use super::services::ask;
use super::stay::stay;
use super::terms_fields::Metadata;
use super::text::text;
use super::views::{calls, deadlines, greeter, hint, not_found, services, streams};

/// A view: its path, its name, and what shows it.
type View = (&'static str, &'static str, fn() -> Part);

/// The views, in the order of their links.
const VIEWS: [View; 5] = [
    ("/streams", "Streams", streams),
    ("/greeter", "Greeter", greeter),
    ("/deadlines", "Deadlines", deadlines),
    ("/calls", "Calls", calls),
    ("/services", "Services", services),
];

/// The number of no view, and not even of none: it is not known yet where one starts.
const UNDECIDED: usize = usize::MAX;

/// Shows the page.
pub(crate) fn app() -> impl IntoView {
    // The server of the page is the server of its calls. Failures are asked for here, to see retries: a few of them must
    // not turn the retries off.
    let transport = Transport::new(window().location().origin().unwrap_or_default())
        .with_throttle(Throttle::new(1_000, 1.0));
    let route = Route::follow();
    let services = ask(transport.clone(), move |services| {
        if let Some(home) = services.home() {
            route.start(home);
        }
    });
    provide_context(services);
    provide_context(Proofs::new(transport.clone()));
    provide_context(transport);
    provide_context(Left::new());
    provide_context(Metadata(RwSignal::new(String::new())));
    let shown = Memo::new(move |_| {
        let path = route.path();
        let none = if path == START { UNDECIDED } else { VIEWS.len() };
        VIEWS.iter().position(|(at, ..)| *at == path).unwrap_or(none)
    });
    let links: Vec<_> = VIEWS.iter().enumerate().map(|(number, view)| link(number, view, shown)).collect();
    let home = text(move || services.read().home().unwrap_or(START));
    view! {
        <header class="masthead">
            <a class="brand" href=home>{mark()}"Drawbridge"</a>
            <nav aria-label="Views">{links}</nav>
        </header>
        // A list of one: another view takes the place of the row, with all that the row owned.
        <main>
            {part_while(move || {
                let lacks = services.read().lacks(&route.path());
                let note = [("class", "note"), ("id", "lacks"), ("role", "status")];
                (!lacks.is_empty()).then(|| hint(&note, &lacks, "--samples", "."))
            })}
            {rows(
                move || vec![shown.get()],
                |number| match VIEWS.get(number) {
                    Some((_, name, view)) => stay(name, *view),
                    None if number == UNDECIDED => words(""),
                    None => not_found(),
                },
            )}
        </main>
    }
}

/// Shows a link to a view, which says so where that is the view one is in.
fn link(number: usize, (path, name, _): &View, shown: Memo<usize>) -> Part {
    let (path, name) = (*path, *name);
    let current = text(move || if shown.get() == number { "page" } else { "false" });
    part(view! { <a href=path aria-current=current>{name}</a> })
}
