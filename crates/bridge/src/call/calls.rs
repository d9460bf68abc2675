//! The calls of a bridge.

use std::sync::Arc;

use drawbridge_core::EndReason;
use tonic::Status;

use super::context::CallContext;
#[cfg(feature = "console")]
use super::id::CallId;
use super::keeper;
use super::list::{Added, CallList, Rejected};

/// The calls that are open, and, for the console, those that ended last: 1,000 calls, and 100 more that succeeded without
/// anything to tell, which are kept only while somebody watches. Cloning it gives another handle to the same list.
///
/// ```
/// # async fn example(calls: drawbridge::Calls) {
/// // A shutdown of your own: wait for the open calls, and abort what is left after ten seconds.
/// let all_ended = async {
///     while calls.open() > 0 {
///         tokio::time::sleep(std::time::Duration::from_millis(50)).await;
///     }
/// };
/// let _ = tokio::time::timeout(std::time::Duration::from_secs(10), all_ended).await;
/// calls.abort_all();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Calls(Arc<CallList<CallContext>>);

impl Calls {
    /// Creates an empty list that admits at most `max_open` calls at a time.
    pub fn new(max_open: usize) -> Self {
        Self(Arc::new(CallList::new(max_open)))
    }

    /// Sets how many calls may be open at a time. Calls that are open stay. A further one gets `RESOURCE_EXHAUSTED`.
    pub fn set_max_open(&self, max: usize) {
        self.0.set_max_open(max);
    }

    /// Sets whether each call logs a line when it opens and one when it ends: `tracing` events of level INFO and target
    /// `drawbridge::call`, in the span that was current when the call opened. On by default.
    pub fn set_logging(&self, on: bool) {
        self.0.observers().set_logging(on);
    }

    /// Calls `hook` at the end of each call, after its [end reason](CallContext::end_reason) is recorded and before its
    /// handler is dropped, on the thread that ends it. Several hooks run in the order in which they were added.
    ///
    /// The hook must not block. A panic in it unwinds into whatever ended the call.
    ///
    /// ```
    /// let calls = drawbridge::Calls::new(1_000);
    /// calls.on_end(|call| println!("{} took {:?}", call.method(), call.elapsed()));
    /// ```
    pub fn on_end(&self, hook: impl Fn(&CallContext) + Send + Sync + 'static) {
        self.0.observers().add_hook(Arc::new(hook));
    }

    /// Returns how many calls are open.
    pub fn open(&self) -> usize {
        self.0.open()
    }

    /// Ends every open call as [`EndReason::Draining`], and each new one from now on: their callers get UNAVAILABLE.
    pub fn abort_all(&self) {
        // Ended without the lock of the list, which each end takes.
        for call in self.0.close() {
            call.end(EndReason::Draining);
        }
    }

    pub(super) fn list(&self) -> &Arc<CallList<CallContext>> {
        &self.0
    }

    /// Adds a call, which from then on ends at its deadline.
    ///
    /// # Errors
    ///
    /// Returns the status that the call ends with if it is not admitted.
    pub(super) fn add(&self, call: CallContext) -> Result<(), Status> {
        let deadline = call.deadline().map(|deadline| (keeper::current_runtime(), deadline.at()));
        let runtime = deadline.map(|(runtime, _)| runtime);
        let added = self.0.add(call, deadline, |call, key| call.put_at(key, runtime)).map_err(status_of)?;
        match (added, runtime) {
            (Added::Earliest(keeper), _) => keeper.notify_one(),
            (Added::NoKeeper(earlier), Some(runtime)) => keeper::start(Arc::clone(&self.0), runtime, earlier),
            _ => {}
        }
        Ok(())
    }
}

fn status_of(rejected: Rejected) -> Status {
    match rejected {
        Rejected::Closed => Status::unavailable("the server is shutting down"),
        Rejected::Full(max) => Status::resource_exhausted(format!(
            "{max} calls are open, which is the limit of this server; try again later"
        )),
    }
}

/// How the calls of a list have changed.
#[cfg(feature = "console")]
#[derive(Debug)]
pub(crate) struct Changes {
    /// All calls that are open.
    pub(crate) open: Vec<CallContext>,
    /// The calls that have ended, as far as they are kept, oldest first.
    pub(crate) ended: Vec<CallContext>,
    /// How many have ended and are not kept.
    pub(crate) skipped: u64,
    /// The number of the last end, to ask from the next time.
    pub(crate) upto: u64,
}

/// Keeps every end in the history, that of plain calls too, until it is dropped.
#[cfg(feature = "console")]
#[derive(Debug)]
pub(crate) struct Watching(Calls);

#[cfg(feature = "console")]
impl Drop for Watching {
    fn drop(&mut self) {
        self.0.0.remove_watcher();
    }
}

#[cfg(feature = "console")]
impl Calls {
    /// Keeps every end in the history until what this returns is dropped.
    pub(crate) fn watch(&self) -> Watching {
        self.0.add_watcher();
        Watching(self.clone())
    }

    /// Returns what is open, and what has ended since the end of this number. The first end has the number 1.
    pub(crate) fn changes(&self, since: u64) -> Changes {
        // Before the history: a call that ends meanwhile is then in both, and not in neither.
        let open = self.listed();
        let (upto, ended) = self.0.with_history(|history| (history.count(), history.after(since)));
        Changes { open, skipped: upto - since - ended.len() as u64, ended, upto }
    }

    /// Returns the call of this id, if it is open or kept.
    pub(crate) fn find(&self, call_id: CallId) -> Option<CallContext> {
        self.known(|call| call.call_id() == call_id).pop()
    }

    /// Returns the calls with this request id that are open or kept, in the order in which they opened.
    pub(crate) fn of_request(&self, request_id: &str) -> Vec<CallContext> {
        let mut calls = self.known(|call| call.request_id().as_str() == request_id);
        calls.sort_by_key(CallContext::opened);
        calls
    }

    fn listed(&self) -> Vec<CallContext> {
        let mut open = self.0.open_list();
        open.retain(CallContext::is_listed);
        open
    }

    fn known(&self, is_wanted: impl Fn(&CallContext) -> bool) -> Vec<CallContext> {
        let mut known = self.listed();
        known.retain(&is_wanted);
        self.0.with_history(|history| {
            for call in history.all().filter(|call| is_wanted(call)) {
                // A call that ended a moment ago may still be among the open ones.
                if known.iter().all(|open| open.call_id() != call.call_id()) {
                    known.push(call.clone());
                }
            }
        });
        known
    }
}

#[cfg(test)]
mod tests;
