//! The task that ends calls at their deadlines.

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::{self, Handle};
use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::clock::now;
use super::context::CallContext;
use super::list::CallList;

/// Starts the keeper of a list on the current runtime. It waits for the earliest deadline, and ends when there is none left.
/// One task serves all calls of the list that run on this runtime. The connection polls a call's future and body: if it cannot write, or if
/// a stream is always ready, a timer inside of them is not polled. A timer for each call would also be wasted, since most calls end before their deadline.
pub(super) fn start(list: Arc<CallList<CallContext>>, runtime: runtime::Id, earlier: Arc<Notify>) {
    let keeper = Keeper { list, runtime, finished: false };
    tokio::spawn(keeper.run(earlier));
}

/// Returns the runtime that the caller runs on.
pub(super) fn current_runtime() -> runtime::Id {
    Handle::current().id()
}

struct Keeper {
    list: Arc<CallList<CallContext>>,
    runtime: runtime::Id,
    finished: bool,
}

impl Keeper {
    async fn run(mut self, earlier: Arc<Notify>) {
        while let Some(next) = self.list.next_deadline(self.runtime) {
            tokio::select! {
                // In an order, so that simulations can be repeated.
                biased;
                () = sleep_until(next.into()) => {}
                () = earlier.notified() => continue,
            }
            self.end_due(now());
        }
        self.finished = true;
    }

    fn end_due(&self, now: Instant) {
        for call in self.list.take_due(self.runtime, now) {
            let Some(reason) = call.overdue(now) else { continue };
            // Each in its own task, so that a slow destructor of one handler does not delay other calls.
            tokio::spawn(async move { call.end(reason) });
        }
    }
}

impl Drop for Keeper {
    /// If it did not finish, the runtime was shut down together with its calls. Their deadlines are removed, and a new runtime starts its own keeper.
    fn drop(&mut self) {
        if !self.finished {
            self.list.abandon_deadlines(self.runtime);
        }
    }
}
