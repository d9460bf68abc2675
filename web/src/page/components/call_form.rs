//! The form that starts a call: one field and a button.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::text_field::{InputAttributes, TextField};
use crate::page::dom::{BoxedView, boxed, element};

/// Shows a form with one field and a button. The button or Enter calls `on_submit`.
pub(crate) fn call_form(
    id: &'static str,
    label: &'static str,
    field: TextField,
    attributes: InputAttributes,
    button: BoxedView,
    on_submit: impl Fn() + 'static,
) -> BoxedView {
    // Boxed, so that all forms have one type.
    let on_submit: Box<dyn Fn()> = Box::new(on_submit);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        on_submit();
    };
    boxed(view! {
        <form class="call-form" on:submit=submit>
            <label for=id>{label}</label>
            {field.input(id, attributes)}
            {button}
        </form>
    })
}

/// Shows the button of a form.
pub(crate) fn submit_button(id: &str, label: BoxedView) -> BoxedView {
    element("button", &[("id", id), ("type", "submit"), ("class", "primary")], [label])
}
