//! The task that ends calls at their deadlines.

use std::sync::Arc;
use std::time::Instant;

use drawbridge_core::EndReason;
use tokio::runtime::{self, Handle};
use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::clock::now;
use super::context::CallContext;
use super::list::CallList;

/// Starts the keeper of the current runtime. It waits for the earliest deadline, and ends when there is none left.
///
/// One task serves all calls of a runtime. A call's future and body are polled by the connection: a connection that cannot
/// write, or a stream that is always ready, would keep a timer inside them from running. And most calls end in time, so a
/// timer for each would be set up for nothing.
pub(super) fn start(list: Arc<CallList<CallContext>>, runtime: runtime::Id, earlier: Arc<Notify>) {
    let keeper = Keeper { list, runtime, done: false };
    tokio::spawn(keeper.run(earlier));
}

/// Returns the runtime that the caller runs on.
pub(super) fn current_runtime() -> runtime::Id {
    Handle::current().id()
}

struct Keeper {
    list: Arc<CallList<CallContext>>,
    runtime: runtime::Id,
    done: bool,
}

impl Keeper {
    async fn run(mut self, earlier: Arc<Notify>) {
        while let Some(next) = self.list.next_deadline(self.runtime) {
            tokio::select! {
                () = sleep_until(next.into()) => {}
                () = earlier.notified() => continue,
            }
            self.end_due(now());
        }
        self.done = true;
    }

    fn end_due(&self, now: Instant) {
        for call in self.list.take_due(self.runtime, now) {
            let Some(deadline) = call.deadline() else { continue };
            // In a task of its own: other calls do not wait for what a handler does when it is dropped.
            tokio::spawn(async move {
                call.end(EndReason::DeadlineExceeded { granted: deadline.granted() });
            });
        }
    }
}

impl Drop for Keeper {
    /// The runtime is gone, and the calls that ran on it: a later runtime starts with a keeper of its own.
    fn drop(&mut self) {
        if !self.done {
            self.list.abandon_deadlines(self.runtime);
        }
    }
}
