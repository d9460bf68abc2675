//! A slot for the calls of a view.

use drawbridge_fetch::{ReconnectEvent, ReconnectPolicy, reconnecting};
use leptos::prelude::*;
use tonic::{Request, Response, Status, Streaming};

use super::dropped_calls::DroppedCall;
use super::live_connection::LiveConnection;
use super::receipts::Receipts;
use crate::model::{ButtonAction, CallEvent, CallSettings, CallState, Failure, Receipt, SentCall, Task};
use crate::page::clock::now;

/// A slot for one call at a time: its state, the task that drives it, and its receipt.
///
/// The slot belongs to the reactive owner in which it was created. When that owner is cleaned up, the task is dropped with
/// the call's future and stream, and the transport aborts the fetch.
#[derive(Clone, Copy)]
pub(crate) struct CallSlot {
    state: RwSignal<Option<CallState>>,
    task: StoredValue<Option<Task>, LocalStorage>,
    sent: StoredValue<SentCall>,
    receipts: Receipts,
    /// Whether to fetch a receipt after every end, and not only after a cancellation.
    always_fetch_receipt: bool,
}

impl CallSlot {
    /// Creates an empty slot that fetches the receipts of cancelled calls.
    pub(crate) fn new() -> Self {
        Self {
            state: RwSignal::new(None),
            task: StoredValue::new_local(None),
            sent: StoredValue::new(SentCall::default()),
            receipts: expect_context(),
            always_fetch_receipt: false,
        }
    }

    /// Creates an empty slot that fetches the receipt of every call.
    pub(crate) fn with_receipts() -> Self {
        Self { always_fetch_receipt: true, ..Self::new() }
    }

    /// Returns the state of the last call. The caller tracks it.
    pub(crate) fn state(self) -> RwSignal<Option<CallState>> {
        self.state
    }

    /// Returns the request id and the trace of the last call.
    pub(crate) fn sent(self) -> SentCall {
        self.sent.get_value()
    }

    /// Returns the receipt of the last call, tracked.
    pub(crate) fn receipt(self) -> Receipt {
        self.receipts.get(&self.sent().request_id)
    }

    /// Returns the call as one that is dropped with its view, if it is open. `label` names it for the user.
    pub(crate) fn to_dropped(self, label: impl Into<String>) -> Option<DroppedCall> {
        untrack(|| self.is_open()).then(|| DroppedCall { label: label.into(), sent: self.sent() })
    }

    /// Returns what the call's button does next, tracked.
    pub(crate) fn next_action(self) -> ButtonAction {
        ButtonAction::next(self.state.read().as_ref().map(CallState::phase))
    }

    /// Returns whether a call is open, tracked.
    pub(crate) fn is_open(self) -> bool {
        self.state.read().as_ref().is_some_and(CallState::is_open)
    }

    /// Starts a server streaming call. `format` returns the text of a message. An open call is dropped first.
    pub(crate) fn start_streaming<Q: 'static, M: 'static>(
        self,
        settings: &CallSettings,
        message: Q,
        send: impl AsyncFnOnce(Request<Q>) -> Result<Response<Streaming<M>>, Status> + 'static,
        format: fn(M) -> String,
    ) {
        let request = self.request(settings, message, false);
        self.start(settings, async move |apply: &dyn Fn(CallEvent)| {
            let mut messages = send(request).await?.into_inner();
            apply(CallEvent::Accepted);
            while let Some(message) = messages.message().await? {
                apply(CallEvent::Message(format(message)));
            }
            Ok(())
        });
    }

    /// Starts a server streaming call that is made again after a restart of the server or a lost network, within its timeout.
    /// All its calls have one request id and one trace. `format` returns the text of a message. An open call is dropped first.
    pub(crate) fn start_live<Q: Clone + 'static, M: Clone + 'static, F>(
        self,
        settings: &CallSettings,
        connection: LiveConnection,
        message: Q,
        send: impl FnMut(Request<Q>) -> F + 'static,
        format: fn(M) -> String,
    ) where
        F: Future<Output = Result<Response<Streaming<M>>, Status>> + 'static,
    {
        let policy = match settings.timeout {
            Some(timeout) => ReconnectPolicy::repeatable().with_timeout(timeout),
            None => ReconnectPolicy::repeatable(),
        };
        let (_, first) = settings.request((), false, js_sys::Math::random);
        self.sent.set_value(first.clone());
        let repeated = settings.clone();
        let request = move |_: Option<&M>| repeated.request_of(&first, message.clone(), false);
        let stream = reconnecting(policy, request, send);
        self.start(settings, async move |apply: &dyn Fn(CallEvent)| {
            let on_event = |event| match event {
                ReconnectEvent::Connected => apply(CallEvent::Accepted),
                ReconnectEvent::Message(message) => apply(CallEvent::Message(format(message))),
                ReconnectEvent::Disconnected(_) => {}
            };
            connection.follow(stream, on_event).await
        });
    }

    /// Starts a unary call. `format` returns the text of the response. An open call is dropped first.
    pub(crate) fn start_unary<Q: 'static, M: 'static>(
        self,
        settings: &CallSettings,
        message: Q,
        send: impl AsyncFnOnce(Request<Q>) -> Result<Response<M>, Status> + 'static,
        format: impl FnOnce(M) -> String + 'static,
    ) {
        let request = self.request(settings, message, true);
        self.start(settings, async move |apply: &dyn Fn(CallEvent)| {
            apply(CallEvent::Message(format(send(request).await?.into_inner())));
            Ok(())
        });
    }

    /// Cancels the call and fetches its receipt, if it is open.
    pub(crate) fn cancel(self) {
        if !untrack(|| self.is_open()) {
            return;
        }
        self.task.set_value(None);
        self.apply(CallEvent::Cancelled);
        self.fetch_receipt();
    }

    fn request<M>(self, settings: &CallSettings, message: M, unary: bool) -> Request<M> {
        let (request, sent) = settings.request(message, unary, js_sys::Math::random);
        self.sent.set_value(sent);
        request
    }

    fn start(
        self,
        settings: &CallSettings,
        call: impl AsyncFnOnce(&dyn Fn(CallEvent)) -> Result<(), Status> + 'static,
    ) {
        self.state.set(Some(CallState::start(now(), settings.timeout)));
        self.task.set_value(Some(Task::spawn(async move {
            let result = call(&|event| self.apply(event)).await;
            self.apply(match result {
                Ok(()) => CallEvent::Completed,
                Err(status) => CallEvent::Failed(Failure::from(&status)),
            });
            if self.always_fetch_receipt {
                self.fetch_receipt();
            }
        })));
    }

    /// Fetches the receipt of the call, which ends now.
    fn fetch_receipt(self) {
        self.receipts.fetch(self.sent().request_id, Some(now()));
    }

    fn apply(self, event: CallEvent) {
        self.state.update(|state| {
            if let Some(state) = state {
                state.apply(event, now());
            }
        });
    }
}
