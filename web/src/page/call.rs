//! A call that belongs to a view.

use leptos::prelude::*;
use tonic::{Request, Response, Status, Streaming};

use super::clock::now;
use super::left::Gone;
use super::proofs::Proofs;
use crate::model::{Event, Failure, Life, Press, Proof, Sent, Task, Terms};

/// One place for a call in a view: how the call stands, the task that drives it, and what its servers tell of it, who are
/// asked once it was cancelled.
///
/// All belong to the reactive owner in which this was created. When that owner is cleaned up, the task is dropped, with
/// it the call's future and its stream, and the transport aborts the fetch.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    life: RwSignal<Option<Life>>,
    task: StoredValue<Option<Task>, LocalStorage>,
    sent: StoredValue<Sent>,
    proofs: Proofs,
    /// Whether the servers are asked after every end.
    asks_always: bool,
}

impl Call {
    /// Creates a place in which nothing was called yet.
    pub(crate) fn new() -> Self {
        Self {
            life: RwSignal::new(None),
            task: StoredValue::new_local(None),
            sent: StoredValue::new(Sent::default()),
            proofs: expect_context(),
            asks_always: false,
        }
    }

    /// Creates a place for calls whose servers are asked however they end.
    pub(crate) fn asking_always() -> Self {
        Self { asks_always: true, ..Self::new() }
    }

    /// Returns what the servers tell of the last call, tracked.
    pub(crate) fn proof(self) -> Proof {
        self.proofs.of(&self.sent().request_id)
    }

    /// Returns by what the last call can be followed.
    pub(crate) fn sent(self) -> Sent {
        self.sent.get_value()
    }

    /// Returns the call as one that is dropped with its view, if it is open. `words` say what it was.
    pub(crate) fn gone(self, words: impl Into<String>) -> Option<Gone> {
        untrack(|| self.runs()).then(|| Gone { words: words.into(), sent: self.sent() })
    }

    /// Returns the life of the last call, to be tracked where it is read.
    pub(crate) fn life(self) -> RwSignal<Option<Life>> {
        self.life
    }

    /// Returns what the same key or button does next, tracked.
    pub(crate) fn next(self) -> Press {
        Press::next(self.life.read().as_ref().map(Life::state))
    }

    /// Tells whether a call is open, tracked.
    pub(crate) fn runs(self) -> bool {
        self.life.read().as_ref().is_some_and(Life::runs)
    }

    /// Starts a call on these `terms`, whose answer is a stream of messages, `words` being how each is shown. A call that
    /// is still open is dropped first.
    pub(crate) fn stream<Q: 'static, M: 'static>(
        self,
        terms: &Terms,
        message: Q,
        send: impl AsyncFnOnce(Request<Q>) -> Result<Response<Streaming<M>>, Status> + 'static,
        words: fn(M) -> String,
    ) {
        let request = self.request(terms, message, false);
        self.start(terms, async move |tell: &dyn Fn(Event)| {
            let mut messages = send(request).await?.into_inner();
            tell(Event::Opened);
            while let Some(message) = messages.message().await? {
                tell(Event::Arrived(words(message)));
            }
            Ok(())
        });
    }

    /// Starts a call on these `terms`, whose answer is one message, shown as `words` says. A call that is still open is
    /// dropped first.
    pub(crate) fn unary<Q: 'static, M: 'static>(
        self,
        terms: &Terms,
        message: Q,
        send: impl AsyncFnOnce(Request<Q>) -> Result<Response<M>, Status> + 'static,
        words: impl FnOnce(M) -> String + 'static,
    ) {
        let request = self.request(terms, message, true);
        self.start(terms, async move |tell: &dyn Fn(Event)| {
            tell(Event::Arrived(words(send(request).await?.into_inner())));
            Ok(())
        });
    }

    /// Cancels the call, if it is open, and asks what became of it.
    pub(crate) fn cancel(self) {
        if !untrack(|| self.runs()) {
            return;
        }
        self.task.set_value(None);
        self.tell(Event::Cancelled);
        self.ask();
    }

    fn request<M>(self, terms: &Terms, message: M, unary: bool) -> Request<M> {
        let (request, sent) = terms.request(message, unary, js_sys::Math::random);
        self.sent.set_value(sent);
        request
    }

    fn start(self, terms: &Terms, call: impl AsyncFnOnce(&dyn Fn(Event)) -> Result<(), Status> + 'static) {
        self.life.set(Some(Life::begin(now(), terms.limit)));
        self.task.set_value(Some(Task::spawn(async move {
            let ended = call(&|event| self.tell(event)).await;
            self.tell(match ended {
                Ok(()) => Event::Ended,
                Err(status) => Event::Broke(Failure::from(&status)),
            });
            if self.asks_always {
                self.ask();
            }
        })));
    }

    /// Asks the servers of the call that now has ended.
    fn ask(self) {
        self.proofs.ask(self.sent().request_id, Some(now()));
    }

    fn tell(self, event: Event) {
        self.life.update(|life| {
            if let Some(life) = life {
                life.apply(event, now());
            }
        });
    }
}
