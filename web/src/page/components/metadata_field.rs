//! The field for metadata.

use leptos::prelude::*;
use tonic::metadata::MetadataMap;

use super::focus::focus_field;
use crate::model::metadata;
use crate::page::dom::{BoxedView, boxed, text_signal};

/// The id of the field.
const ID: &str = "metadata";

/// The metadata that the user has written. All views share one text. It may contain a secret, so it is never stored.
#[derive(Clone, Copy)]
pub(crate) struct MetadataText(RwSignal<String>);

impl MetadataText {
    /// Creates an empty text in the current owner, which should be the page's.
    pub(crate) fn new() -> Self {
        Self(RwSignal::new(String::new()))
    }

    /// Parses the text, untracked. Malformed text moves the focus to the field, which shows the error.
    pub(super) fn read(self) -> Result<MetadataMap, String> {
        metadata::parse(&self.0.read_untracked()).inspect_err(|_| focus_field(ID))
    }

    /// Shows the field, closed while the text is empty.
    pub(super) fn view(self) -> BoxedView {
        let text = self.0;
        let problem = text_signal(move || metadata::parse(&text.read()).err().unwrap_or_default());
        let count = move || match metadata::parse(&text.read()).map(|metadata| metadata.len()) {
            Ok(0) | Err(_) => String::new(),
            Ok(count) => format!(" ({count})"),
        };
        boxed(view! {
            <details class="metadata" open=!text.read_untracked().is_empty()>
                <summary>
                    "Metadata" {text_signal(count)}
                </summary>
                <label for=ID>"Sent with each call. One " <code>"name: value"</code> " per line."</label>
                <textarea
                    id=ID
                    rows="3"
                    placeholder="authorization: Bearer …"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-invalid=text_signal(move || (!problem.read().is_empty()).to_string())
                    aria-describedby="metadata-problem"
                    prop:value=text
                    on:input:target=move |event| text.set(event.target().value())
                ></textarea>
                <p id="metadata-problem" class="problem" role="status">{problem}</p>
            </details>
        })
    }
}
