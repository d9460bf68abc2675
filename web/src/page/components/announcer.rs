//! Progress for users of a screen reader.

use std::time::Duration;

use leptos::leptos_dom::helpers::set_interval_with_handle;
use leptos::prelude::*;

use crate::page::dom::{BoxedView, boxed, element, text_signal};

/// How often progress is announced. Messages arrive faster, and a screen reader would read each of them.
const INTERVAL: Duration = Duration::from_secs(3);

/// Announces `summary` in a polite live region at intervals, while `active` is true.
pub(crate) fn announcer(summary: Signal<String>, active: Memo<bool>) -> BoxedView {
    let (announced, announce) = signal(String::new());
    Effect::new(move |_| {
        if active.get()
            && let Ok(interval) =
                set_interval_with_handle(move || announce.set(summary.get_untracked()), INTERVAL)
        {
            on_cleanup(move || interval.clear());
        }
    });
    let announced = boxed(text_signal(move || announced.get()));
    element("p", &[("class", "visually-hidden"), ("aria-live", "polite")], [announced])
}
