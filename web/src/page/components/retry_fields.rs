//! The fields for retries and fault injection.

use drawbridge_proto::user::FailFirst;
use leptos::prelude::*;

use super::focus::focus_field;
use super::text_field::{InputAttributes, TextField};
use crate::model::fault_injection::{parse_attempts, parse_fail_first};
use crate::page::dom::{BoxedView, boxed, text_signal};

/// The id of the message about these fields.
const PROBLEM: &str = "retry-problem";

/// The fields for the attempts of this page, and for the failures that the two services inject.
#[derive(Clone, Copy)]
pub(crate) struct RetryFields {
    attempts: TextField,
    frontend: FaultFields,
    user: FaultFields,
}

/// The attempts of this page, and the failures that the two services inject.
pub(crate) struct RetrySettings {
    pub(crate) attempts: u32,
    pub(crate) frontend: Option<FailFirst>,
    pub(crate) user: Option<FailFirst>,
}

/// The fields for the failures that one service injects.
#[derive(Clone, Copy)]
struct FaultFields {
    attempts: TextField,
    code: RwSignal<String>,
    pushback: TextField,
}

impl FaultFields {
    fn new() -> Self {
        let code = RwSignal::new("14".to_owned());
        Self { attempts: TextField::new(""), code, pushback: TextField::new("") }
    }

    fn set(self, attempts: &str) {
        self.attempts.set(attempts);
        self.code.set("14".to_owned());
        self.pushback.set("");
    }

    /// Parses the fields, tracked.
    fn parse(self) -> Result<Option<FailFirst>, String> {
        let (attempts, pushback) = (self.attempts.text(), self.pushback.text());
        parse_fail_first(&attempts.read(), &self.code.read(), &pushback.read())
    }

    fn view(self, id: &'static str, service: &'static str) -> BoxedView {
        boxed(view! {
            <fieldset>
                <legend>{service}</legend>
                {number_field(format!("{id}-attempts"), "Failed attempts", self.attempts, "0")}
                <label>
                    "Status"
                    <select
                        id=format!("{id}-code")
                        prop:value=self.code
                        on:change:target=move |event| self.code.set(event.target().value())
                    >
                        <option value="14">"UNAVAILABLE"</option>
                        <option value="8">"RESOURCE_EXHAUSTED"</option>
                        <option value="13">"INTERNAL"</option>
                    </select>
                </label>
                {number_field(format!("{id}-pushback"), "Pushback (ms)", self.pushback, "none")}
            </fieldset>
        })
    }
}

impl RetryFields {
    /// Creates fields for one attempt without injected failures.
    pub(crate) fn new() -> Self {
        Self { attempts: TextField::new(""), frontend: FaultFields::new(), user: FaultFields::new() }
    }

    /// Writes the most attempts of this page, and how many attempts each service fails.
    pub(crate) fn set(self, attempts: &str, frontend: &str, user: &str) {
        self.attempts.set(attempts);
        self.frontend.set(frontend);
        self.user.set(user);
    }

    /// Parses the fields, untracked. A field that cannot be parsed gets the focus, and the error is shown below the fields.
    pub(crate) fn read(self) -> Option<RetrySettings> {
        untrack(|| self.parse()).inspect_err(|(field, _)| focus_field(field)).ok()
    }

    /// Parses the fields, tracked. An error has the id of its field.
    fn parse(self) -> Result<RetrySettings, (&'static str, String)> {
        let attempts = parse_attempts(&self.attempts.text().read());
        Ok(RetrySettings {
            attempts: attempts.map_err(|message| ("attempts", message))?,
            frontend: self.frontend.parse().map_err(|message| ("frontend-attempts", message))?,
            user: self.user.parse().map_err(|message| ("user-attempts", message))?,
        })
    }

    /// Shows the fields, closed at first.
    pub(crate) fn view(self) -> BoxedView {
        let summary = move || match self.parse() {
            Ok(RetrySettings { attempts: 1, frontend: None, user: None }) => "",
            _ => " (on)",
        };
        let problem = move || self.parse().err().map(|(_, message)| message).unwrap_or_default();
        boxed(view! {
            <details class="retries">
                <summary>"Retries and injected failures" {text_signal(summary)}</summary>
                <fieldset>
                    <legend>"This page"</legend>
                    {number_field("attempts".to_owned(), "Max attempts", self.attempts, "1")}
                    <span>"Retries UNAVAILABLE."</span>
                </fieldset>
                {self.frontend.view("frontend", "Frontend service")}
                {self.user.view("user", "User service")}
                <p id=PROBLEM class="problem" role="status">{text_signal(problem)}</p>
            </details>
        })
    }
}

fn number_field(id: String, label: &'static str, field: TextField, placeholder: &'static str) -> BoxedView {
    let attributes = InputAttributes {
        inputmode: Some("numeric"),
        placeholder: Some(placeholder),
        describedby: Some(PROBLEM.to_owned()),
        ..InputAttributes::default()
    };
    boxed(view! { <label>{label} {field.input(id, attributes)}</label> })
}
