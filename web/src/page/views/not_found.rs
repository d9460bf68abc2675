//! What is shown where there is no view.

use leptos::prelude::*;

use super::parts::hero;
use crate::page::part::{Part, part};

/// Shows the way back.
pub(crate) fn not_found() -> Part {
    document().set_title("Not found · Drawbridge");
    part(view! {
        {hero(&["No bridge", "leads here."], "There is no page at this address.")}
        <p class="way"><a href="/streams">"Go to the streams"</a></p>
    })
}
