//! The frame around the views: masthead, routes, and what all views share.

use drawbridge_fetch::{Throttle, Transport};
use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Redirect, Route, Router};
use leptos_router::hooks::use_location;
use leptos_router::{NavigateOptions, path};

use super::bridge::mark;
use super::left::Left;
use super::part::{Part, part};
use super::stay::stay;
use super::terms_fields::Metadata;
use super::text::text;
use super::views::{calls, deadlines, greeter, not_found, streams};

/// Shows the page.
pub(crate) fn app() -> impl IntoView {
    // The server of the page is the server of its calls. Failures are asked for here, to see retries: a few of them must
    // not turn the retries off.
    let transport = Transport::new(window().location().origin().unwrap_or_default())
        .with_throttle(Throttle::new(1_000, 1.0));
    provide_context(Left::new(transport.clone()));
    provide_context(transport);
    provide_context(Metadata(RwSignal::new(String::new())));
    view! {
        <Router>
            <header class="masthead">
                <a class="brand" href="/streams">{mark()}"Drawbridge"</a>
                <nav aria-label="Views">
                    {link("/streams", "Streams")}
                    {link("/greeter", "Greeter")}
                    {link("/deadlines", "Deadlines")}
                    {link("/calls", "Calls")}
                </nav>
            </header>
            <main>
                <FlatRoutes fallback=not_found>
                    // Not the same view under two addresses: going from one to the other would be a leave.
                    <Route path=path!("/") view=to_the_start />
                    <Route path=path!("/streams") view=|| stay("Streams", streams) />
                    <Route path=path!("/greeter") view=|| stay("Greeter", greeter) />
                    <Route path=path!("/deadlines") view=|| stay("Deadlines", deadlines) />
                    <Route path=path!("/calls") view=|| stay("Calls", calls) />
                </FlatRoutes>
            </main>
        </Router>
    }
}

/// Shows a link to a view, which says so where that is the view one is in.
fn link(path: &'static str, name: &'static str) -> Part {
    let here = use_location().pathname;
    let current = text(move || if *here.read() == path { "page" } else { "false" });
    part(view! { <a href=path aria-current=current>{name}</a> })
}

fn to_the_start() -> Part {
    part(
        view! { <Redirect path="/streams" options=NavigateOptions { replace: true, ..Default::default() } /> },
    )
}
