//! A field for a number of seconds.

use std::time::Duration;

use leptos::prelude::*;

use super::focus::focus_field;
use super::text_field::{InputAttributes, TextField};
use crate::model::parse;
use crate::page::dom::{BoxedView, boxed, text_signal};

/// The presets of a field: the label of the button, and the text that it writes.
pub(crate) type Presets = &'static [(&'static str, &'static str)];

/// A field for a number of seconds, with presets. An empty field is `None`.
#[derive(Clone, Copy)]
pub(crate) struct SecondsField {
    id: &'static str,
    label: &'static str,
    presets: Presets,
    field: TextField,
}

impl SecondsField {
    /// Creates a field that contains `text`.
    pub(crate) fn new(id: &'static str, label: &'static str, presets: Presets, text: &str) -> Self {
        Self { id, label, presets, field: TextField::new(text) }
    }

    /// Replaces the text.
    pub(crate) fn set(self, text: &str) {
        self.field.set(text);
    }

    /// Parses the text, untracked. Text that is not a number of seconds moves the focus to the field, which shows the
    /// error.
    pub(crate) fn read(self) -> Result<Option<Duration>, String> {
        parse::seconds(&self.field.text().read_untracked()).inspect_err(|_| focus_field(self.id))
    }

    /// Shows the field.
    pub(crate) fn view(self) -> BoxedView {
        let Self { id, label, presets, field } = self;
        let text = field.text();
        let problem = text_signal(move || parse::seconds(&text.read()).err().unwrap_or_default());
        let problem_id = format!("{id}-problem");
        let presets: Vec<_> = presets
            .iter()
            .map(|&(label, preset)| {
                view! {
                    <button
                        type="button"
                        data-seconds=preset
                        aria-pressed=text_signal(move || (*text.read() == preset).to_string())
                        on:click=move |_| text.set(preset.to_owned())
                    >
                        {label}
                    </button>
                }
            })
            .collect();
        let attributes = InputAttributes {
            inputmode: Some("decimal"),
            placeholder: Some("none"),
            describedby: Some(problem_id.clone()),
            problem: Some(problem),
            ..InputAttributes::default()
        };
        boxed(view! {
            <div class="seconds-field" role="group" aria-label=label>
                <label for=id>{label}</label>
                {field.input(id, attributes)}
                <span class="unit">"s"</span>
                <span class="presets">{presets}</span>
                <p id=problem_id class="problem" role="status">{problem}</p>
            </div>
        })
    }
}
