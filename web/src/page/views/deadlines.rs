//! *Deadlines*: a call over two hops, and what its deadline ends.

use std::time::Duration;

use drawbridge_fetch::Transport;
use drawbridge_proto::frontend::GetUserResponse;
use drawbridge_proto::frontend::frontend_service_client::FrontendServiceClient;
use leptos::ev::SubmitEvent;
use leptos::html::Output;
use leptos::prelude::*;
use web_sys::{ScrollIntoViewOptions, ScrollLogicalPosition};

use super::deadlines_form::{DeadlinesCall, DeadlinesForm};
use super::waterfall::waterfall;
use crate::model::{ButtonAction, CallState, HopTimeouts, Phase, Waterfall};
use crate::page::clock;
use crate::page::components::{dropped_notice, failure_status, hero, timing};
use crate::page::dom::{BoxedView, boxed, element, optional, text_signal};
use crate::page::rpc::{CallSlot, DroppedCalls, Receipts};

/// The key of the view's dropped calls.
const VIEW: &str = "deadlines";

/// The path of the method that the view calls.
const METHOD: &str = "/frontend.FrontendService/GetUser";

/// The form, the call, and its outcome.
#[derive(Clone, Copy)]
struct DeadlinesView {
    transport: StoredValue<Transport>,
    form: DeadlinesForm,
    call: CallSlot,
    timeouts: StoredValue<HopTimeouts>,
    outcome: NodeRef<Output>,
}

impl DeadlinesView {
    fn new() -> Self {
        Self {
            transport: StoredValue::new(expect_context()),
            form: DeadlinesForm::new(),
            call: CallSlot::with_receipts(),
            timeouts: StoredValue::new(HopTimeouts::default()),
            outcome: NodeRef::new(),
        }
    }

    /// Cancels the open call, or starts a call if all fields can be parsed.
    fn toggle(self) {
        if untrack(|| self.call.is_open()) {
            self.call.cancel();
        } else if let Some(DeadlinesCall { request, settings, timeouts }) = self.form.read() {
            self.timeouts.set_value(timeouts);
            let mut client = FrontendServiceClient::new(self.transport.get_value());
            let name = |response: GetUserResponse| response.user.unwrap_or_default().display_name;
            let send = async move |request| client.get_user(request).await;
            self.call.start_unary(&settings, request, send, name);
            self.scroll_to_outcome();
        }
    }

    /// Scrolls to the outcome, which is below the form on a small screen.
    fn scroll_to_outcome(self) {
        if let Some(outcome) = self.outcome.get_untracked() {
            let options = ScrollIntoViewOptions::new();
            options.set_block(ScrollLogicalPosition::Nearest);
            outcome.scroll_into_view_with_scroll_into_view_options(&options);
        }
    }
}

/// Shows the view.
pub(crate) fn deadlines() -> BoxedView {
    let view = DeadlinesView::new();
    let call = view.call;
    let open_calls = move || call.to_dropped("the frontend call and its lookup").into_iter().collect();
    let dropped = expect_context::<DroppedCalls>().track(VIEW, open_calls);
    let last_dropped = dropped.first().cloned();
    let time = clock::ticking(Memo::new(move |_| call.is_open()));
    let receipts = expect_context::<Receipts>();
    let rows = Memo::new(move |_| {
        let state = call.state().read();
        let sent = match (&*state, &last_dropped) {
            (Some(_), _) => call.sent(),
            (None, Some(dropped)) => dropped.sent.clone(),
            (None, None) => return Waterfall::default(),
        };
        let now = if call.is_open() { time.get() } else { clock::now() };
        Waterfall::new(&sent.trace.read(), &receipts.get(&sent.request_id), METHOD, now)
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        view.toggle();
    };
    boxed(view! {
        {hero(
            &["One deadline,", "every hop."],
            "This page calls the frontend service, which calls the user service. Each hop gets the time that is left. \
             When the deadline passes, every hop stops, and with it the database query.",
        )}
        {dropped_notice(&dropped, None)}
        <div class="deadlines">
            <form class="panel request" on:submit=submit>
                {view.form.view()}
                <button id="call" type="submit" class="primary">{text_signal(move || button_label(call.next_action()))}</button>
            </form>
            <section class="panel outcome" aria-labelledby="outcome-title" data-state=text_signal(move || state_name(call))>
                {outcome(&view, time)}
            </section>
            {waterfall(rows)}
        </div>
    })
}

/// Shows the outcome of the call.
fn outcome(view: &DeadlinesView, time: ReadSignal<Duration>) -> impl IntoView + use<> {
    let DeadlinesView { call, timeouts, outcome, .. } = *view;
    let sentence = move || match &*call.state().read() {
        None => "No call yet.".to_owned(),
        Some(state) => timeouts.get_value().outcome(state),
    };
    let status = optional(move || {
        let state = call.state().read();
        let failure = state.as_ref().and_then(CallState::failure)?;
        Some(element("p", &[("class", "failure")], [failure_status(failure)]))
    });
    view! {
        <header>
            <h2 id="outcome-title">"Outcome"</h2>
            <p class="state">{text_signal(move || state_name(call))}</p>
        </header>
        <output id="outcome" node_ref=outcome data-state=text_signal(move || state_name(call))>
            {text_signal(sentence)}
        </output>
        <div class="outcome-timing">{timing(call, time, "Answered after")}</div>
        <div class="outcome-status">{status}</div>
    }
}

/// Returns the value of `data-state`.
fn state_name(call: CallSlot) -> &'static str {
    match call.state().read().as_ref().map(CallState::phase) {
        None => "idle",
        Some(Phase::Opening | Phase::Streaming) => "waiting",
        Some(Phase::Completed) => "answered",
        Some(Phase::Cancelled) => "cancelled",
        Some(Phase::Failed(_)) => "failed",
    }
}

fn button_label(action: ButtonAction) -> &'static str {
    match action {
        ButtonAction::Open => "Call",
        ButtonAction::Cancel => "Cancel",
        ButtonAction::OpenAgain | ButtonAction::Retry => "Call again",
    }
}
