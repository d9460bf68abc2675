//! Rows that come and go.

use std::sync::Arc;

use leptos::prelude::*;

use super::part::{Part, part};

/// Shows one row for each of `numbers`, in their order. A row is made once for its number, stays the same row for as long
/// as the number is there, and what it owns goes with it.
pub(crate) fn rows(
    numbers: impl Fn() -> Vec<usize> + Send + Sync + 'static,
    row: impl Fn(usize) -> Part + Send + Sync + 'static,
) -> Part {
    // Boxed, so that all lists of the page are one kind of list, and compiled once.
    let numbers: Arc<dyn Fn() -> Vec<usize> + Send + Sync> = Arc::new(numbers);
    let row: Arc<dyn Fn(usize) -> Part + Send + Sync> = Arc::new(row);
    part(view! { <For each=move || numbers() key=|number| *number children=move |number| row(number) /> })
}
