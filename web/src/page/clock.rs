//! The page's clock.

use std::time::Duration;

use leptos::leptos_dom::helpers::set_interval_with_handle;
use leptos::prelude::*;

/// How often a view reads the clock while a call is open. Elapsed times show tenths of a second.
const TICK: Duration = Duration::from_millis(100);

/// Returns the time since the page was opened. The clock is monotonic.
pub(crate) fn now() -> Duration {
    let milliseconds = window().performance().map_or(0.0, |performance| performance.now());
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}

/// Returns the time of day, such as `21:40:12`.
pub(crate) fn time_of_day() -> String {
    let date = js_sys::Date::new_0();
    format!("{:02}:{:02}:{:02}", date.get_hours(), date.get_minutes(), date.get_seconds())
}

/// Returns the clock as a signal that ticks while `active` is true, so that an idle page does no work. The current owner
/// stops it.
pub(crate) fn ticking(active: Memo<bool>) -> ReadSignal<Duration> {
    let (time, set_time) = signal(now());
    Effect::new(move |_| {
        set_time.set(now());
        if active.get()
            && let Ok(interval) = set_interval_with_handle(move || set_time.set(now()), TICK)
        {
            on_cleanup(move || interval.clear());
        }
    });
    time
}
