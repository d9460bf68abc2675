//! *Deadlines*: a call that makes another, and what becomes of both when time is short.

use std::time::Duration;

use drawbridge_fetch::Transport;
use drawbridge_proto::frontend::frontend_service_client::FrontendServiceClient;
use drawbridge_proto::frontend::{GetUserRequest, GetUserResponse};
use drawbridge_proto::user::UserRequest;
use leptos::ev::SubmitEvent;
use leptos::html::{Input, Output};
use leptos::prelude::*;
use web_sys::{ScrollIntoViewOptions, ScrollLogicalPosition};

use super::parts::{hero, left_notice, status, timing};
use super::waterfall::waterfall;
use crate::model::failing::policy;
use crate::model::{Life, Limits, Press, State, Terms, Waterfall};
use crate::page::call::Call;
use crate::page::clock;
use crate::page::failing_fields::{Retries, RetryFields};
use crate::page::left::Left;
use crate::page::part::{Part, part, part_while};
use crate::page::plain::plain;
use crate::page::proofs::Proofs;
use crate::page::terms_fields::{Presets, TermsFields, read_seconds, seconds_field};
use crate::page::text::text;

/// The name under which the view's leaves are remembered.
const VIEW: &str = "deadlines";

/// The method that is called.
const METHOD: &str = "/frontend.FrontendService/GetUser";

const LOOKUPS: Presets = &[("0", "0"), ("1 s", "1"), ("3 s", "3")];
const DEADLINES: Presets = &[("none", ""), ("0.5 s", "0.5"), ("2 s", "2"), ("5 s", "5")];

/// What the user composes, and what came of it.
#[derive(Clone, Copy)]
struct Composer {
    transport: StoredValue<Transport>,
    name: NodeRef<Input>,
    fields: TermsFields,
    lookup: RwSignal<String>,
    child: RwSignal<String>,
    call: Call,
    limits: StoredValue<Limits>,
    retry: RetryFields,
    outcome: NodeRef<Output>,
}

impl Composer {
    fn new() -> Self {
        Self {
            transport: StoredValue::new(expect_context()),
            name: NodeRef::new(),
            fields: TermsFields::new("2"),
            lookup: RwSignal::new("1".to_owned()),
            child: RwSignal::new(String::new()),
            call: Call::asking_always(),
            limits: StoredValue::new(Limits::default()),
            retry: RetryFields::new(),
            outcome: NodeRef::new(),
        }
    }

    /// Writes the fields of an example.
    fn set(self, [lookup, deadline, child, attempts, frontend, user]: [&str; 6]) {
        self.lookup.set(lookup.to_owned());
        self.fields.deadline().set(deadline.to_owned());
        self.child.set(child.to_owned());
        self.retry.set(attempts, frontend, user);
    }

    /// Cancels the call while it is open, makes it otherwise. With a field that cannot be understood, nothing is called.
    fn press(self) {
        if untrack(|| self.call.runs()) {
            self.call.cancel();
            return;
        }
        // The last of them that cannot be understood is where the user is taken, so the first field is the last.
        let retry = self.retry.read();
        let child = read_seconds("child-deadline", self.child);
        let terms = self.fields.read();
        let lookup = read_seconds("lookup", self.lookup);
        if let (Some(terms), Ok(lookup), Ok(child), Some(Retries { attempts, frontend, user })) =
            (terms, lookup, child, retry)
        {
            self.limits.set_value(Limits { caller: terms.limit, child });
            let terms = Terms { retry: Some(policy(attempts)), ..terms };
            let asked = UserRequest {
                name: self.name.get_untracked().map_or_else(String::new, |name| name.value()),
                lookup_ms: milliseconds(lookup.unwrap_or_default()),
                fail: user,
            };
            let request = GetUserRequest {
                user: Some(asked),
                child_timeout_ms: child.map(milliseconds),
                fail: frontend,
            };
            let mut client = FrontendServiceClient::new(self.transport.get_value());
            let name = |answer: GetUserResponse| answer.user.unwrap_or_default().display_name;
            self.call.unary(&terms, request, async move |request| client.get_user(request).await, name);
            self.show_outcome();
        }
    }

    /// Brings the outcome into sight where it is not: on a small screen it is below the fields.
    fn show_outcome(self) {
        if let Some(outcome) = self.outcome.get_untracked() {
            let options = ScrollIntoViewOptions::new();
            options.set_block(ScrollLogicalPosition::Nearest);
            outcome.scroll_into_view_with_scroll_into_view_options(&options);
        }
    }
}

/// Returns whole milliseconds, as many as the message can carry.
fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// Shows the view.
pub(crate) fn deadlines() -> Part {
    let composer = Composer::new();
    let call = composer.call;
    let open = move || call.gone("the call to the frontend, and with it the lookup").into_iter().collect();
    let dropped = expect_context::<Left>().stay(VIEW, open);
    let before = dropped.first().cloned();
    let time = clock::ticking(Memo::new(move |_| call.runs()));
    let proofs = expect_context::<Proofs>();
    let drawn = Memo::new(move |_| {
        let life = call.life().read();
        let sent = match (&*life, &before) {
            (Some(_), _) => call.sent(),
            (None, Some(gone)) => gone.sent.clone(),
            (None, None) => return Waterfall::default(),
        };
        let now = if call.runs() { time.get() } else { clock::now() };
        Waterfall::of(&sent.trace.read(), &proofs.of(&sent.request_id), METHOD, now)
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        composer.press();
    };
    part(view! {
        {hero(
            &["One deadline,", "every hop."],
            "This page calls the frontend. For its answer the frontend makes a call of its own, the child, to the user \
             service. Each hop gets what is left of the time, and when that is up, all of them stop.",
        )}
        {left_notice(&dropped)}
        <div class="deadlines">
            <form class="plate compose" on:submit=submit>
                {compose(composer)}
                <button id="call" type="submit" class="primary">{text(move || verb(call.next()))}</button>
            </form>
            <section class="plate outcome" aria-labelledby="outcome-title" data-state=text(move || state(call))>
                {outcome(composer, time)}
            </section>
            {waterfall(drawn)}
        </div>
    })
}

/// Shows the fields of the call, and examples that fill them.
fn compose(composer: Composer) -> impl IntoView {
    let example = |says: &'static str, fields: [&'static str; 6]| {
        view! { <button type="button" on:click=move |_| composer.set(fields)>{says}</button> }
    };
    view! {
        <h2>"The call"</h2>
        <div class="examples" role="group" aria-label="Examples">
            {example("In time", ["1", "2", "", "", "", ""])}
            {example("Too slow for the child", ["3", "5", "0.5", "", "", ""])}
            {example("Too slow for you", ["5", "2", "", "", "", ""])}
            {example("Third time lucky", ["0.5", "5", "", "3", "2", ""])}
            {example("The child tries again", ["0.5", "5", "", "", "", "1"])}
            {example("No time to try again", ["1", "0.7", "", "5", "5", ""])}
        </div>
        <div class="seconds who">
            <label for="user">"User"</label>
            <input id="user" type="text" value="ada" autocomplete="off" autocapitalize="none" spellcheck="false" node_ref=composer.name />
        </div>
        {seconds_field("lookup", "The lookup takes", composer.lookup, LOOKUPS)}
        {seconds_field("deadline", "Your deadline", composer.fields.deadline(), DEADLINES)}
        {seconds_field("child-deadline", "The child's deadline", composer.child, DEADLINES)}
        {composer.retry.view()}
        {composer.fields.metadata_field()}
    }
}

/// Shows how the call came out.
fn outcome(composer: Composer, time: ReadSignal<Duration>) -> impl IntoView {
    let call = composer.call;
    let told = move || match &*call.life().read() {
        None => "Nothing was called yet.".to_owned(),
        Some(life) => composer.limits.get_value().outcome(life),
    };
    let verdict = part_while(move || {
        let life = call.life().read();
        let failure = life.as_ref().and_then(Life::failure)?;
        Some(plain("p", &[("class", "reason")], [status(failure)]))
    });
    view! {
        <header>
            <h2 id="outcome-title">"The outcome"</h2>
            <p class="state">{text(move || state(call))}</p>
        </header>
        <output id="outcome" node_ref=composer.outcome data-state=text(move || state(call))>{text(told)}</output>
        <div class="clock">{timing(call, time, "The answer came after")}</div>
        <div class="verdict">{verdict}</div>
    }
}

/// Returns the state of the call, as `data-state` has it.
fn state(call: Call) -> &'static str {
    match call.life().read().as_ref().map(Life::state) {
        None => "idle",
        Some(State::Opening | State::Streaming) => "waiting",
        Some(State::Completed) => "answered",
        Some(State::Cancelled) => "cancelled",
        Some(State::Failed(_)) => "failed",
    }
}

fn verb(next: Press) -> &'static str {
    match next {
        Press::Open => "Call",
        Press::Cancel => "Cancel",
        Press::Again | Press::Retry => "Call again",
    }
}
