//! What is shown where there is no view.

use leptos::prelude::*;
use leptos_router::components::A;

use super::parts::hero;

/// Shows the way back.
pub(crate) fn not_found() -> impl IntoView {
    document().set_title("Not found · Drawbridge");
    view! {
        {hero(&["No bridge", "leads here."], "There is no page at this address.")}
        <p class="way"><A href="/streams">"Go to the streams"</A></p>
    }
}
