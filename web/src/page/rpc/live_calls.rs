//! The server's calls, updated by a `Watch` stream.

use std::time::Duration;

use drawbridge_calls_proto::calls_client::CallsClient;
use drawbridge_calls_proto::{Call, CancelRequest, WatchRequest, WatchResponse};
use drawbridge_fetch::{CallOptions, ReconnectEvent, ReconnectPolicy, Transport, reconnecting};
use leptos::leptos_dom::helpers::set_interval_with_handle;
use leptos::prelude::*;
use tonic::{Code, Status};

use super::{console, live_connection::LiveConnection};
use crate::model::{CallList, Failure, Task, call_format, console_token};
use crate::page::clock::now;

/// How often the view is updated. The server may report hundreds of changes per second.
const REFRESH: Duration = Duration::from_millis(300);

/// The status message that the client of a cancelled call receives.
const CANCEL_MESSAGE: &str = "cancelled by an operator on the Calls page";

/// The state of the `Watch` stream.
#[derive(Clone, PartialEq)]
pub(crate) enum WatchStatus {
    /// The list is followed, also over restarts of the server.
    Following,
    /// The server does not implement `Watch`.
    Unsupported,
    /// The server requires the console's token.
    TokenRequired {
        /// Whether the token that the page has sent is not the server's.
        rejected: bool,
    },
    /// The stream ended for good: with an error, or with OK.
    Stopped(Option<Failure>),
}

/// The server's calls. The current owner stops the `Watch` stream.
#[derive(Clone, Copy)]
pub(crate) struct LiveCalls {
    inner: StoredValue<Inner>,
    /// Changes when the view has to read again. One signal serves the whole list: at each refresh, nearly every row has
    /// changed.
    version: RwSignal<usize>,
    tasks: StoredValue<Vec<Task>, LocalStorage>,
    connection: LiveConnection,
}

struct Inner {
    transport: Transport,
    list: CallList,
    /// The numbers of the rows in display order.
    order: Vec<usize>,
    status: WatchStatus,
    /// Since when no response arrives because the connection broke. Times of calls stop there.
    stale: Option<Duration>,
    /// The result of the last cancellation.
    cancel_result: String,
    /// Whether a response arrived since the last refresh.
    changed: bool,
}

impl LiveCalls {
    /// Opens the `Watch` stream.
    pub(crate) fn watch() -> Self {
        let inner = Inner {
            transport: expect_context(),
            list: CallList::default(),
            order: Vec::new(),
            status: WatchStatus::Following,
            stale: None,
            cancel_result: String::new(),
            changed: false,
        };
        let calls = Self {
            inner: StoredValue::new(inner),
            version: RwSignal::new(0),
            tasks: StoredValue::new_local(Vec::new()),
            connection: LiveConnection::new(),
        };
        if let Ok(interval) = set_interval_with_handle(move || calls.refresh(), REFRESH) {
            on_cleanup(move || interval.clear());
        }
        calls.connect();
        calls
    }

    /// Opens the `Watch` stream again after it stopped.
    pub(crate) fn connect(self) {
        self.update(|inner| inner.status = WatchStatus::Following);
        self.spawn(async move {
            let result = self.receive().await;
            self.refresh();
            self.update(|inner| {
                inner.stale.get_or_insert_with(now);
                inner.status = match &result {
                    Ok(()) => WatchStatus::Stopped(None),
                    Err(status) if status.code() == Code::Unimplemented => WatchStatus::Unsupported,
                    Err(status) if console_token::is_required(status) => {
                        WatchStatus::TokenRequired { rejected: console::token().is_some() }
                    }
                    Err(status) => WatchStatus::Stopped(Some(Failure::from(status))),
                };
            });
        });
    }

    async fn receive(self) -> Result<(), Status> {
        let client = CallsClient::new(self.inner.with_value(|inner| inner.transport.clone()));
        let send = move |request| {
            let mut client = client.clone();
            async move { client.watch(request).await }
        };
        let request = |_: Option<&WatchResponse>| console::request(WatchRequest {}, CallOptions::new());
        let stream = reconnecting(ReconnectPolicy::repeatable(), request, send);
        // The first response of a call is shown at once.
        let mut first = true;
        let on_event = |event| match event {
            ReconnectEvent::Connected => first = true,
            ReconnectEvent::Message(response) => {
                self.inner.update_value(|inner| {
                    inner.stale = None;
                    inner.list.apply(response, now());
                    inner.changed = true;
                });
                if std::mem::take(&mut first) {
                    self.refresh();
                }
            }
            ReconnectEvent::Disconnected(_) => self.update(|inner| {
                inner.stale.get_or_insert_with(now);
            }),
        };
        self.connection.follow(stream, on_event).await
    }

    /// Returns the connection of the `Watch` stream.
    pub(crate) fn connection(self) -> LiveConnection {
        self.connection
    }

    /// Returns whether the list is not updated at the moment, tracked.
    pub(crate) fn is_stale(self) -> bool {
        self.read(|inner| inner.stale.is_some())
    }

    /// Updates the view if a response arrived, or if calls are open whose elapsed time grows.
    fn refresh(self) {
        let mut outdated = false;
        self.inner.update_value(|inner| {
            outdated = inner.changed || inner.list.open() > 0 && inner.stale.is_none();
            if std::mem::take(&mut inner.changed) {
                inner.order = inner.list.order();
            }
        });
        if outdated {
            self.version.update(|version| *version += 1);
        }
    }

    /// Cancels the call with this number on the server.
    pub(crate) fn cancel(self, number: usize) {
        let call = self.inner.with_value(|inner| {
            // A server that does not report its calls cannot be asked to cancel one.
            let call = inner.list.call(number).filter(|_| inner.stale.is_none())?;
            Some((inner.transport.clone(), call.call_id.clone(), call.method.clone()))
        });
        let Some((transport, call_id, path)) = call else { return };
        let message = CancelRequest { call_id, message: CANCEL_MESSAGE.to_owned() };
        let request = console::request(message, CallOptions::new().unary());
        self.spawn(async move {
            let name = call_format::method(&path);
            let result = match CallsClient::new(transport).cancel(request).await {
                Ok(response) if response.get_ref().cancelled => format!("{name} was cancelled."),
                Ok(response) => {
                    let end = response.get_ref().call.as_ref().and_then(|call| call.end.as_ref());
                    format!("{name} had already ended: {}.", end.map_or("ended", call_format::end_reason))
                }
                Err(status) => {
                    format!("{name} could not be cancelled. {}", Failure::from(&status).explanation())
                }
            };
            self.update(|inner| inner.cancel_result.clone_from(&result));
        });
    }

    /// Returns what `read` returns, tracked.
    fn read<T>(self, read: impl FnOnce(&Inner) -> T) -> T {
        self.version.track();
        self.inner.with_value(read)
    }

    /// Returns the numbers of the rows in display order, tracked.
    pub(crate) fn order(self) -> Vec<usize> {
        self.read(|inner| inner.order.clone())
    }

    /// Formats the call with this number, tracked. `format` gets the call, its elapsed time and its depth. A call that is no
    /// longer kept is an empty text.
    pub(crate) fn format(self, number: usize, format: fn(&Call, Duration, usize) -> String) -> String {
        self.read(|inner| {
            let list = &inner.list;
            let time = inner.stale.unwrap_or_else(now);
            let text = |call| format(call, list.elapsed(number, time), list.depth(number));
            list.call(number).map(text).unwrap_or_default()
        })
    }

    /// Returns the state of the `Watch` stream, tracked.
    pub(crate) fn status(self) -> WatchStatus {
        self.read(|inner| inner.status.clone())
    }

    /// Returns how many calls are open, and how many ended calls the server did not report, tracked.
    pub(crate) fn counts(self) -> (u32, u64) {
        self.read(|inner| (inner.list.open(), inner.list.skipped()))
    }

    /// Returns the result of the last cancellation, tracked.
    pub(crate) fn cancel_result(self) -> String {
        self.read(|inner| inner.cancel_result.clone())
    }

    /// Changes the inner state and updates the view at once.
    fn update(self, change: impl FnOnce(&mut Inner)) {
        self.inner.update_value(change);
        self.version.update(|version| *version += 1);
    }

    fn spawn(self, future: impl Future<Output = ()> + 'static) {
        let task = Task::spawn(future);
        self.tasks.update_value(|tasks| tasks.push(task));
    }
}
