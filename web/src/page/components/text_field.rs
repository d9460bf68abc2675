//! A one-line text field.

use leptos::html::Input;
use leptos::prelude::*;

use crate::page::dom::{BoxedView, boxed, text_signal};

/// A one-line text field.
#[derive(Clone, Copy)]
pub(crate) struct TextField {
    node: NodeRef<Input>,
    text: RwSignal<String>,
}

/// The attributes of a text field that differ between fields.
#[derive(Default)]
pub(crate) struct InputAttributes {
    /// The keyboard of a touch screen, such as `decimal`.
    pub(crate) inputmode: Option<&'static str>,
    /// The label of the enter key of a touch screen.
    pub(crate) enterkeyhint: Option<&'static str>,
    /// What an empty field shows.
    pub(crate) placeholder: Option<&'static str>,
    /// The id of the element that describes the field.
    pub(crate) describedby: Option<String>,
    /// What is wrong with the text. Empty text marks the field as valid.
    pub(crate) problem: Option<Signal<String>>,
}

impl TextField {
    /// Creates a field that contains `text`.
    pub(crate) fn new(text: &str) -> Self {
        Self { node: NodeRef::new(), text: RwSignal::new(text.to_owned()) }
    }

    /// Returns the text as a signal.
    pub(crate) fn text(self) -> RwSignal<String> {
        self.text
    }

    /// Replaces the text.
    pub(crate) fn set(self, text: &str) {
        self.text.set(text.to_owned());
    }

    /// Returns what the browser's field contains, untracked. It is newer than the signal when a password manager or a
    /// driver has changed the field without an event.
    pub(crate) fn current(self) -> String {
        self.node.get_untracked().map_or_else(|| self.text.get_untracked(), |field| field.value())
    }

    /// Moves the focus to the field and selects its text, so that the next key replaces it.
    pub(crate) fn select(self) {
        if let Some(field) = self.node.get_untracked() {
            field.select();
        }
    }

    /// Moves the focus to the field when it is shown.
    pub(crate) fn focus_on_load(self) {
        self.node.on_load(|field| {
            // Without the focus, the user has to click into the field.
            let _ = field.focus();
            field.select();
        });
    }

    /// Shows the field.
    pub(crate) fn input(self, id: impl Into<String>, attributes: InputAttributes) -> BoxedView {
        let InputAttributes { inputmode, enterkeyhint, placeholder, describedby, problem } = attributes;
        let invalid = problem.map(|problem| text_signal(move || (!problem.read().is_empty()).to_string()));
        let Self { node, text } = self;
        boxed(view! {
            <input
                id=id.into()
                type="text"
                inputmode=inputmode
                enterkeyhint=enterkeyhint
                placeholder=placeholder
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                aria-describedby=describedby
                aria-invalid=invalid
                prop:value=text
                on:input:target=move |event| text.set(event.target().value())
                node_ref=node
            />
        })
    }
}
