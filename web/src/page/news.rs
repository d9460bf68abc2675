//! News for those who listen to the page instead of looking at it.

use std::time::Duration;

use leptos::leptos_dom::helpers::set_interval_with_handle;
use leptos::prelude::*;

/// How often news are told at most: slower than messages come, so that they are a summary and not a flood.
const PAUSE: Duration = Duration::from_secs(3);

/// Tells `summary` in a polite live region from time to time, as long as `running` holds.
pub(crate) fn news(summary: Signal<String>, running: Memo<bool>) -> impl IntoView {
    let (told, tell) = signal(String::new());
    Effect::new(move |_| {
        if running.get()
            && let Ok(interval) = set_interval_with_handle(move || tell.set(summary.get_untracked()), PAUSE)
        {
            on_cleanup(move || interval.clear());
        }
    });
    view! { <p class="unseen" aria-live="polite">{told}</p> }
}
