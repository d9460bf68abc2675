//! The calls of the server, watched for as long as a view is there.

use std::collections::HashMap;
use std::time::Duration;

use drawbridge_fetch::{CallOptions, Transport};
use drawbridge_proto::calls::calls_client::CallsClient;
use drawbridge_proto::calls::{Call, CancelRequest, WatchRequest};
use leptos::leptos_dom::helpers::set_interval_with_handle;
use leptos::prelude::*;
use tonic::{Code, Request, Status};

use super::clock::now;
use crate::model::{Failure, Ledger, Task, record};

/// How often the view follows what the server tells, which may be hundreds of changes a second.
const PAUSE: Duration = Duration::from_millis(300);

/// What the client of a call is told that was cancelled from here.
const WORDS: &str = "cancelled by the operator, on the page";

/// A call, as a row shows it.
#[derive(Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) call: Call,
    /// How many parents it stands under.
    pub(crate) depth: usize,
    /// When the server told of it, by the page's clock.
    told: Duration,
}

impl Entry {
    /// Returns for how long the call is open at `now`, or was.
    pub(crate) fn elapsed(&self, now: Duration) -> Duration {
        let told = record::ms(self.call.elapsed_ms);
        if self.call.end.is_some() { told } else { told + now.saturating_sub(self.told) }
    }
}

/// How the watching stands.
#[derive(Clone, PartialEq)]
pub(crate) enum State {
    Opening,
    Watching,
    /// The server tells nothing of its calls.
    Untold,
    /// It ended, by a failure or by the server's own will.
    Ended(Option<Failure>),
}

/// The server's calls. It belongs to the owner in which it was created.
#[derive(Clone, Copy)]
pub(crate) struct Watch {
    transport: StoredValue<Transport>,
    ledger: StoredValue<Ledger>,
    entries: StoredValue<HashMap<usize, ArcRwSignal<Entry>>>,
    order: RwSignal<Vec<usize>>,
    /// How many calls are open, and how many have ended of which nothing was told.
    counts: RwSignal<(u32, u64)>,
    state: RwSignal<State>,
    time: RwSignal<Duration>,
    /// What became of the last cancelling.
    said: RwSignal<String>,
    fresh: StoredValue<bool>,
    task: StoredValue<Option<Task>, LocalStorage>,
    cancels: StoredValue<Vec<Task>, LocalStorage>,
}

impl Watch {
    /// Begins to watch.
    pub(crate) fn begin() -> Self {
        let watch = Self {
            transport: StoredValue::new(expect_context()),
            ledger: StoredValue::new(Ledger::default()),
            entries: StoredValue::new(HashMap::new()),
            order: RwSignal::new(Vec::new()),
            counts: RwSignal::new((0, 0)),
            state: RwSignal::new(State::Opening),
            time: RwSignal::new(now()),
            said: RwSignal::new(String::new()),
            fresh: StoredValue::new(false),
            task: StoredValue::new_local(None),
            cancels: StoredValue::new_local(Vec::new()),
        };
        if let Ok(interval) = set_interval_with_handle(move || watch.follow(), PAUSE) {
            on_cleanup(move || interval.clear());
        }
        watch.start();
        watch
    }

    /// Watches, from the start.
    pub(crate) fn start(self) {
        self.state.set(State::Opening);
        self.task.set_value(Some(Task::spawn(async move {
            let ended = self.run().await;
            self.follow();
            self.state.set(match ended {
                Ok(()) => State::Ended(None),
                Err(status) if status.code() == Code::Unimplemented => State::Untold,
                Err(status) => State::Ended(Some(Failure::from(&status))),
            });
        })));
    }

    async fn run(self) -> Result<(), Status> {
        let mut client = CallsClient::new(self.transport.get_value());
        let mut responses = client.watch(WatchRequest {}).await?.into_inner();
        while let Some(response) = responses.message().await? {
            self.ledger.update_value(|ledger| ledger.apply(response));
            self.fresh.set_value(true);
            if untrack(|| *self.state.read() != State::Watching) {
                self.state.set(State::Watching);
                self.follow();
            }
        }
        Ok(())
    }

    /// Brings the rows up to date.
    fn follow(self) {
        let now = now();
        if self.counts.get_untracked().0 > 0 {
            self.time.set(now);
        }
        if !self.fresh.get_value() {
            return;
        }
        self.fresh.set_value(false);
        let mut order = Vec::new();
        self.ledger.update_value(|ledger| {
            let changed = ledger.take_changed();
            self.counts.set((ledger.open(), ledger.skipped()));
            self.entries.update_value(|entries| {
                let mut before = std::mem::take(entries);
                for (number, depth) in ledger.order() {
                    let Some(call) = ledger.call(number) else { continue };
                    let kept = before.remove(&number);
                    let entry = || Entry { call: call.clone(), depth, told: now };
                    let signal = kept.unwrap_or_else(|| ArcRwSignal::new(entry()));
                    if changed.contains(&number) || signal.read_untracked().depth != depth {
                        signal.set(entry());
                    }
                    entries.insert(number, signal);
                    order.push(number);
                }
            });
        });
        self.order.set(order);
    }

    /// Ends a call from the server's side.
    pub(crate) fn cancel(self, call: &Call) {
        let request = CancelRequest { call_id: call.call_id.clone(), words: WORDS.to_owned() };
        let name = record::method(&call.method).to_owned();
        let task = Task::spawn(async move {
            let mut client = CallsClient::new(self.transport.get_value());
            let mut request = Request::new(request);
            request.extensions_mut().insert(CallOptions::new().unary());
            let said = match client.cancel(request).await.map(tonic::Response::into_inner) {
                Ok(answer) if answer.cancelled => format!("{name} was cancelled."),
                Ok(answer) => {
                    let end = answer.call.and_then(|call| call.end);
                    let end = end.as_ref().map_or("ended", record::ended_by);
                    format!("{name} had ended before: {end}.")
                }
                Err(status) => format!("{name} was not cancelled. {}", Failure::from(&status).words()),
            };
            self.said.set(said);
        });
        self.cancels.update_value(|cancels| cancels.push(task));
    }

    /// Returns the numbers of the rows, in their order, tracked.
    pub(crate) fn order(self) -> Vec<usize> {
        self.order.get()
    }

    /// Returns the call in the row of this number.
    pub(crate) fn entry(self, number: usize) -> Option<ArcRwSignal<Entry>> {
        self.entries.with_value(|entries| entries.get(&number).cloned())
    }

    /// Returns how the watching stands.
    pub(crate) fn state(self) -> RwSignal<State> {
        self.state
    }

    /// Returns the page's clock, which moves while calls are open.
    pub(crate) fn time(self) -> RwSignal<Duration> {
        self.time
    }

    /// Returns how many calls are open and how many have ended unseen, tracked.
    pub(crate) fn counts(self) -> (u32, u64) {
        self.counts.get()
    }

    /// Tells what became of the last cancelling, tracked.
    pub(crate) fn said(self) -> String {
        self.said.get()
    }
}
