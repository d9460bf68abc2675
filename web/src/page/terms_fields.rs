//! The fields in which a user says what a call may take, and what travels with it.

use std::time::Duration;

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast as _;

use super::part::{Part, part};
use super::text::text;
use crate::model::{Terms, limit, metadata};

/// Deadlines that are a click away: what the button says, and what it writes.
pub(crate) type Presets = &'static [(&'static str, &'static str)];

/// The presets of a view that has no reason for others.
pub(crate) const PRESETS: Presets = &[("none", ""), ("1 s", "1"), ("5 s", "5"), ("30 s", "30")];

/// The metadata that the user has written. One text serves all views of the page, and nothing keeps it longer than the
/// page is open: it may well be a secret.
#[derive(Clone, Copy)]
pub(crate) struct Metadata(pub(crate) RwSignal<String>);

/// What the user has written about the calls of one view.
#[derive(Clone, Copy)]
pub(crate) struct TermsFields {
    deadline: RwSignal<String>,
    metadata: RwSignal<String>,
}

impl TermsFields {
    /// Creates the fields, with this deadline in seconds to begin with.
    pub(crate) fn new(deadline: &str) -> Self {
        Self { deadline: RwSignal::new(deadline.to_owned()), metadata: expect_context::<Metadata>().0 }
    }

    /// Returns the text of the deadline.
    pub(crate) fn deadline(self) -> RwSignal<String> {
        self.deadline
    }

    /// Reads the terms. When a field cannot be understood, which it says itself, the user is taken there instead.
    pub(crate) fn read(self) -> Option<Terms> {
        let metadata = metadata::read(&self.metadata.read_untracked()).inspect_err(|_| go_to("metadata"));
        let limit = read_seconds("deadline", self.deadline);
        Some(Terms { limit: limit.ok()?, metadata: metadata.ok()?, retry: None })
    }

    /// Shows the fields.
    pub(crate) fn view(self, presets: Presets) -> impl IntoView + use<> {
        view! {
            <div class="terms">
                {seconds_field("deadline", "Deadline", self.deadline, presets)}
                {self.metadata_field()}
            </div>
        }
    }

    /// Shows the field for metadata, folded away until it is wanted.
    pub(crate) fn metadata_field(self) -> impl IntoView + use<> {
        let written = self.metadata;
        let problem = move || metadata::read(&written.read()).err();
        let count = move || match metadata::read(&written.read()).map(|metadata| metadata.len()) {
            Ok(0) | Err(_) => String::new(),
            Ok(count) => format!(" ({count})"),
        };
        view! {
            <details class="metadata" open=!written.read_untracked().is_empty()>
                <summary>
                    "Metadata" {text(count)}
                </summary>
                <label for="metadata">"Sent with each call, one " <code>"name: value"</code> " a line"</label>
                <textarea
                    id="metadata"
                    rows="3"
                    placeholder="authorization: Bearer …"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-invalid=text(move || problem().is_some().to_string())
                    aria-describedby="metadata-problem"
                    prop:value=written
                    on:input:target=move |event| written.set(event.target().value())
                ></textarea>
                <p id="metadata-problem" class="problem" role="status">{text(move || problem().unwrap_or_default())}</p>
            </details>
        }
    }
}

/// Shows a field for a number of seconds, with `presets` beside it. Empty means no limit.
pub(crate) fn seconds_field(
    id: &'static str,
    label: &'static str,
    written: RwSignal<String>,
    presets: Presets,
) -> Part {
    let problem = move || limit(&written.read()).err();
    let problem_id = format!("{id}-problem");
    let presets: Vec<_> = presets
        .iter()
        .map(|&(says, writes)| {
            view! {
                <button
                    type="button"
                    data-seconds=writes
                    aria-pressed=text(move || (*written.read() == writes).to_string())
                    on:click=move |_| written.set(writes.to_owned())
                >
                    {says}
                </button>
            }
        })
        .collect();
    part(view! {
        <div class="seconds" role="group" aria-label=label>
            <label for=id>{label}</label>
            <input
                id=id
                type="text"
                inputmode="decimal"
                placeholder="none"
                autocomplete="off"
                aria-invalid=text(move || problem().is_some().to_string())
                aria-describedby=problem_id.clone()
                prop:value=written
                on:input:target=move |event| written.set(event.target().value())
            />
            <span class="unit">"s"</span>
            <span class="presets">{presets}</span>
            <p id=problem_id class="problem" role="status">{text(move || problem().unwrap_or_default())}</p>
        </div>
    })
}

/// Reads the number of seconds in the field `id`, as [`limit()`] does. When it cannot be understood, which the field says
/// itself, the user is taken there.
pub(crate) fn read_seconds(id: &str, written: RwSignal<String>) -> Result<Option<Duration>, String> {
    limit(&written.read_untracked()).inspect_err(|_| go_to(id))
}

/// Takes the user to a field, unfolding what it is in.
pub(crate) fn go_to(id: &str) {
    if let Some(element) = document().get_element_by_id(id) {
        if let Ok(Some(fold)) = element.closest("details") {
            let _ = fold.set_attribute("open", "");
        }
        let _ = element.unchecked_into::<web_sys::HtmlElement>().focus();
    }
}
