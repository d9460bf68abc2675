//! Text that changes.

use leptos::prelude::*;

/// Returns a signal for text or an attribute that changes.
///
/// Leptos also accepts closures there, and compiles the code that updates the text for each closure.
pub(crate) fn text_signal<T: Into<String>>(text: impl Fn() -> T + Send + Sync + 'static) -> Signal<String> {
    Signal::derive(move || text().into())
}
