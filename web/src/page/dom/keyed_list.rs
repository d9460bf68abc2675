//! A keyed list.

use std::sync::Arc;

use leptos::prelude::*;

use super::boxed_view::{BoxedView, boxed};

/// Shows one item for each key, in the order of the keys. An item is created once for its key and removed, with its
/// reactive owner, when the key is gone.
pub(crate) fn keyed_list(
    keys: impl Fn() -> Vec<usize> + Send + Sync + 'static,
    item: impl Fn(usize) -> BoxedView + Send + Sync + 'static,
) -> BoxedView {
    // Boxed, so that all lists have one type.
    let keys: Arc<dyn Fn() -> Vec<usize> + Send + Sync> = Arc::new(keys);
    let item: Arc<dyn Fn(usize) -> BoxedView + Send + Sync> = Arc::new(item);
    boxed(view! { <For each=move || keys() key=|key| *key children=move |key| item(key) /> })
}
