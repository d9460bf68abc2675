//! Text that changes.

use leptos::prelude::*;

/// Follows what `words` says, as a text or an attribute of the page.
///
/// Leptos takes closures in these places too, and compiles the code that keeps up with one for each of them anew. All
/// texts are of one type, so that code is in the page once.
pub(crate) fn text<T: Into<String>>(words: impl Fn() -> T + Send + Sync + 'static) -> Signal<String> {
    Signal::derive(move || words().into())
}
