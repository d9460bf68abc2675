//! What is shown where there is no view.

use leptos::prelude::*;
use leptos_router::components::A;

/// Shows the way back.
pub(crate) fn not_found() -> impl IntoView {
    document().set_title("Not found · Drawbridge");
    view! {
        <header class="hero">
            <h1>"No bridge leads here."</h1>
            <p>"There is no page at this address. " <A href="/streams">"Go to the streams"</A> "."</p>
        </header>
    }
}
