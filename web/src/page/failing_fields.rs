//! The fields in which a user says how often to try, and which attempts shall fail.

use drawbridge_proto::user::FailFirst;
use leptos::prelude::*;

use super::part::{Part, part};
use super::terms_fields::go_to;
use super::text::text;
use crate::model::failing::{attempts, fail_first};

/// Which attempts at one service shall fail.
#[derive(Clone, Copy)]
pub(crate) struct FailingFields {
    first: RwSignal<String>,
    code: RwSignal<String>,
    pushback: RwSignal<String>,
}

/// What a user has written: how often to try, and what shall fail at the frontend and at the user service.
pub(crate) struct Retries {
    pub(crate) attempts: u32,
    pub(crate) frontend: Option<FailFirst>,
    pub(crate) user: Option<FailFirst>,
}

/// How often this page tries, and which attempts shall fail at the frontend and at the user service.
#[derive(Clone, Copy)]
pub(crate) struct RetryFields {
    attempts: RwSignal<String>,
    frontend: FailingFields,
    user: FailingFields,
}

impl FailingFields {
    fn new() -> Self {
        let [first, code, pushback] = ["", "14", ""].map(|text| RwSignal::new(text.to_owned()));
        Self { first, code, pushback }
    }

    fn set(self, first: &str) {
        for (field, text) in [(self.first, first), (self.code, "14"), (self.pushback, "")] {
            field.set(text.to_owned());
        }
    }

    fn read(self) -> Result<Option<FailFirst>, String> {
        fail_first(&self.first.read(), &self.code.read(), &self.pushback.read())
    }

    fn view(self, id: &'static str, who: &'static str) -> Part {
        part(view! {
            <fieldset>
                <legend>{who}</legend>
                {field(format!("{id}-first"), "fails the first", self.first, "none")}
                <label>
                    "with"
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
                {field(format!("{id}-pushback"), "pushback, ms", self.pushback, "–")}
            </fieldset>
        })
    }
}

impl RetryFields {
    pub(crate) fn new() -> Self {
        Self {
            attempts: RwSignal::new(String::new()),
            frontend: FailingFields::new(),
            user: FailingFields::new(),
        }
    }

    /// Writes how often to try, and how many attempts fail at either service.
    pub(crate) fn set(self, attempts: &str, frontend: &str, user: &str) {
        self.attempts.set(attempts.to_owned());
        self.frontend.set(frontend);
        self.user.set(user);
    }

    /// Reads the fields. When one cannot be understood, which the fold says itself, the user is taken there instead.
    pub(crate) fn read(self) -> Option<Retries> {
        untrack(|| self.parse()).inspect_err(|(field, _)| go_to(field)).ok()
    }

    fn parse(self) -> Result<Retries, (&'static str, String)> {
        let attempts = attempts(&self.attempts.read()).map_err(|words| ("attempts", words))?;
        let frontend = self.frontend.read().map_err(|words| ("frontend-first", words))?;
        let user = self.user.read().map_err(|words| ("user-first", words))?;
        Ok(Retries { attempts, frontend, user })
    }

    /// Shows the fields, folded away until they are wanted.
    pub(crate) fn view(self) -> Part {
        let summary = move || match self.parse() {
            Ok(Retries { attempts: 1, frontend: None, user: None }) => "",
            _ => " (on)",
        };
        let problem = move || self.parse().err().map(|(_, words)| words).unwrap_or_default();
        part(view! {
            <details class="failing">
                <summary>"Failures and retries" {text(summary)}</summary>
                <fieldset>
                    <legend>"This page"</legend>
                    {field("attempts".to_owned(), "attempts", self.attempts, "1")}
                    <span>"and UNAVAILABLE is tried again"</span>
                </fieldset>
                {self.frontend.view("frontend", "The frontend")}
                {self.user.view("user", "The user service")}
                <p id="failing-problem" class="problem" role="status">{text(problem)}</p>
            </details>
        })
    }
}

fn field(id: String, label: &'static str, written: RwSignal<String>, empty: &'static str) -> Part {
    part(view! {
        <label>
            {label}
            <input
                id=id
                type="text"
                inputmode="numeric"
                placeholder=empty
                autocomplete="off"
                aria-describedby="failing-problem"
                prop:value=written
                on:input:target=move |event| written.set(event.target().value())
            />
        </label>
    })
}
