//! The calls of the server, watched for as long as a view is there.

use std::time::Duration;

use drawbridge_calls_proto::calls_client::CallsClient;
use drawbridge_calls_proto::{Call, CancelRequest, WatchRequest};
use drawbridge_fetch::{CallOptions, Transport};
use leptos::leptos_dom::helpers::set_interval_with_handle;
use leptos::prelude::*;
use tonic::{Code, Request, Status};

use super::clock::now;
use crate::model::{Failure, Ledger, Task, record};

/// How often the view follows what the server tells, which may be hundreds of changes a second.
const PAUSE: Duration = Duration::from_millis(300);

/// What the client of a call is told that was cancelled from here.
const WORDS: &str = "cancelled by the operator, on the page";

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
    board: StoredValue<Board>,
    /// Moves when the view is to look at the board again. One signal for all that is shown, each of which is cheap to
    /// write anew: a few times a second there is hardly a row that has not changed.
    version: RwSignal<usize>,
    tasks: StoredValue<Vec<Task>, LocalStorage>,
}

/// What is shown.
struct Board {
    transport: Transport,
    ledger: Ledger,
    order: Vec<usize>,
    state: State,
    /// What became of the last cancelling.
    said: String,
    /// Whether the server has told something since the view looked.
    fresh: bool,
}

impl Watch {
    /// Begins to watch.
    pub(crate) fn begin() -> Self {
        let board = Board {
            transport: expect_context(),
            ledger: Ledger::default(),
            order: Vec::new(),
            state: State::Opening,
            said: String::new(),
            fresh: false,
        };
        let watch = Self {
            board: StoredValue::new(board),
            version: RwSignal::new(0),
            tasks: StoredValue::new_local(Vec::new()),
        };
        if let Ok(interval) = set_interval_with_handle(move || watch.follow(), PAUSE) {
            on_cleanup(move || interval.clear());
        }
        watch.start();
        watch
    }

    /// Watches, from the start.
    pub(crate) fn start(self) {
        self.say(|board| board.state = State::Opening);
        self.spawn(async move {
            let ended = self.run().await;
            self.follow();
            self.say(|board| {
                board.state = match &ended {
                    Ok(()) => State::Ended(None),
                    Err(status) if status.code() == Code::Unimplemented => State::Untold,
                    Err(status) => State::Ended(Some(Failure::from(status))),
                };
            });
        });
    }

    async fn run(self) -> Result<(), Status> {
        let mut client = CallsClient::new(self.board.with_value(|board| board.transport.clone()));
        let mut responses = client.watch(WatchRequest {}).await?.into_inner();
        while let Some(response) = responses.message().await? {
            let mut first = false;
            self.board.update_value(|board| {
                first = board.state == State::Opening;
                board.state = State::Watching;
                board.ledger.apply(response, now());
                board.fresh = true;
            });
            if first {
                self.follow();
            }
        }
        Ok(())
    }

    /// Brings the view up to date. Where calls are open, time alone is news.
    fn follow(self) {
        let mut moves = false;
        self.board.update_value(|board| {
            moves = board.fresh || board.ledger.open() > 0;
            if std::mem::take(&mut board.fresh) {
                board.order = board.ledger.order();
            }
        });
        if moves {
            self.version.update(|version| *version += 1);
        }
    }

    /// Ends the call of this number from the server's side.
    pub(crate) fn cancel(self, number: usize) {
        let call = self.board.with_value(|board| {
            board
                .ledger
                .call(number)
                .map(|call| (board.transport.clone(), call.call_id.clone(), call.method.clone()))
        });
        let Some((transport, call_id, path)) = call else { return };
        let mut request = Request::new(CancelRequest { call_id, words: WORDS.to_owned() });
        request.extensions_mut().insert(CallOptions::new().unary());
        self.spawn(async move {
            let name = record::method(&path);
            let said = match CallsClient::new(transport).cancel(request).await {
                Ok(answer) if answer.get_ref().cancelled => format!("{name} was cancelled."),
                Ok(answer) => {
                    let end = answer.get_ref().call.as_ref().and_then(|call| call.end.as_ref());
                    format!("{name} had ended before: {}.", end.map_or("ended", record::ended_by))
                }
                Err(status) => format!("{name} was not cancelled. {}", Failure::from(&status).words()),
            };
            self.say(|board| board.said.clone_from(&said));
        });
    }

    /// Returns what `look` sees on the board, tracked.
    fn read<T>(self, look: impl FnOnce(&Board) -> T) -> T {
        self.version.track();
        self.board.with_value(look)
    }

    /// Returns the numbers of the rows, in their order, tracked.
    pub(crate) fn order(self) -> Vec<usize> {
        self.read(|board| board.order.clone())
    }

    /// Returns what `words` say of the call of this number, which is open, or was, for the time that they are given, and
    /// stands under so many parents. Tracked. Nothing of a call that is forgotten.
    pub(crate) fn tell(self, number: usize, words: fn(&Call, Duration, usize) -> String) -> String {
        self.read(|board| {
            let ledger = &board.ledger;
            let told = |call| words(call, ledger.elapsed(number, now()), ledger.depth(number));
            ledger.call(number).map(told).unwrap_or_default()
        })
    }

    /// Returns how the watching stands, tracked.
    pub(crate) fn state(self) -> State {
        self.read(|board| board.state.clone())
    }

    /// Returns how many calls are open and how many have ended unseen, tracked.
    pub(crate) fn counts(self) -> (u32, u64) {
        self.read(|board| (board.ledger.open(), board.ledger.skipped()))
    }

    /// Tells what became of the last cancelling, tracked.
    pub(crate) fn said(self) -> String {
        self.read(|board| board.said.clone())
    }

    /// Changes the board, and lets the view look at once.
    fn say(self, change: impl FnOnce(&mut Board)) {
        self.board.update_value(change);
        self.version.update(|version| *version += 1);
    }

    fn spawn(self, work: impl Future<Output = ()> + 'static) {
        let task = Task::spawn(work);
        self.tasks.update_value(|tasks| tasks.push(task));
    }
}
