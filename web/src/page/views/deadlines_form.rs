//! The form of *Deadlines*.

use std::time::Duration;

use drawbridge_proto::frontend::GetUserRequest;
use drawbridge_proto::user::UserRequest;
use leptos::prelude::*;

use crate::model::fault_injection::retry_policy;
use crate::model::{CallSettings, HopTimeouts};
use crate::page::components::{
    CallSettingsFields, InputAttributes, Presets, RetryFields, RetrySettings, SecondsField, TextField,
};

const LOOKUP_PRESETS: Presets = &[("0", "0"), ("1 s", "1"), ("3 s", "3")];
const DEADLINE_PRESETS: Presets = &[("none", ""), ("0.5 s", "0.5"), ("2 s", "2"), ("5 s", "5")];

/// The fields of a call to the frontend service.
#[derive(Clone, Copy)]
pub(super) struct DeadlinesForm {
    user: TextField,
    lookup: SecondsField,
    settings: CallSettingsFields,
    child: SecondsField,
    retry: RetryFields,
}

/// What the fields say.
pub(super) struct DeadlinesCall {
    pub(super) request: GetUserRequest,
    pub(super) settings: CallSettings,
    pub(super) timeouts: HopTimeouts,
}

impl DeadlinesForm {
    /// Creates the fields of a call that completes in time.
    pub(super) fn new() -> Self {
        Self {
            user: TextField::new("ada"),
            lookup: SecondsField::new("lookup", "Lookup time", LOOKUP_PRESETS, "1"),
            settings: CallSettingsFields::with_deadline(DEADLINE_PRESETS, "2"),
            child: SecondsField::new("child-deadline", "Child deadline", DEADLINE_PRESETS, ""),
            retry: RetryFields::new(),
        }
    }

    /// Writes the fields of an example: lookup time, deadline, child deadline, most attempts, and the failed attempts of
    /// the frontend and of the user service.
    fn set(self, [lookup, deadline, child, attempts, frontend, user]: [&str; 6]) {
        self.lookup.set(lookup);
        self.settings.deadline().set(deadline);
        self.child.set(child);
        self.retry.set(attempts, frontend, user);
    }

    /// Parses the fields. A field that cannot be parsed gets the focus and shows the error.
    pub(super) fn read(self) -> Option<DeadlinesCall> {
        // The last field that fails keeps the focus, so the first field is read last.
        let retry = self.retry.read();
        let child = self.child.read();
        let settings = self.settings.read();
        let lookup = self.lookup.read().ok()?;
        let (settings, child) = (settings?, child.ok()?);
        let RetrySettings { attempts, frontend, user } = retry?;
        let request = GetUserRequest {
            user: Some(UserRequest {
                name: self.user.current(),
                lookup_ms: milliseconds(lookup.unwrap_or_default()),
                fail: user,
            }),
            child_timeout_ms: child.map(milliseconds),
            fail: frontend,
        };
        let timeouts = HopTimeouts { caller: settings.timeout, child };
        let settings = CallSettings { retry: Some(retry_policy(attempts)), ..settings };
        Some(DeadlinesCall { request, settings, timeouts })
    }

    /// Shows the fields, and the examples that fill them.
    pub(super) fn view(self) -> impl IntoView + use<> {
        let example = move |label: &'static str, fields: [&'static str; 6]| {
            view! { <button type="button" on:click=move |_| self.set(fields)>{label}</button> }
        };
        view! {
            <h2>"Call"</h2>
            <div class="examples" role="group" aria-label="Examples">
                {example("In time", ["1", "2", "", "", "", ""])}
                {example("Child deadline passes", ["3", "5", "0.5", "", "", ""])}
                {example("Your deadline passes", ["5", "2", "", "", "", ""])}
                {example("Third attempt succeeds", ["0.5", "5", "", "3", "2", ""])}
                {example("Child call is retried", ["0.5", "5", "", "", "", "1"])}
                {example("No time to retry", ["1", "0.7", "", "5", "5", ""])}
            </div>
            <div class="seconds-field user-field">
                <label for="user">"User"</label>
                {self.user.input("user", InputAttributes::default())}
            </div>
            {self.lookup.view()}
            {self.settings.deadline().view()}
            {self.child.view()}
            {self.retry.view()}
            {self.settings.metadata_view()}
        }
    }
}

/// Returns whole milliseconds, at most as many as the message can hold.
fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
