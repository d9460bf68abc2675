//! The calls of a bridge.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_core::EndReason;
use tonic::Status;

use super::context::CallContext;
#[cfg(feature = "console")]
use super::id::CallId;
use super::keeper;
use super::list::{Added, CallList, Rejected};
use super::observers::Hook;
use super::pushback::with_pushback;
use super::shards::{Full, Shards};

/// The calls that are open, and, for the console, those that ended last: 1,000 calls, and 100 more that succeeded without
/// anything to tell, which are kept only while somebody watches. Cloning it gives another handle to the same list.
///
/// Threads that share nothing else have a [shard](Calls::new_shard) each. The shards are one list.
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
pub struct Calls {
    /// The shard that this handle adds calls to.
    shard: Arc<CallList<CallContext>>,
    shards: Arc<Shards<CallContext>>,
}

impl Calls {
    /// Creates an empty list that admits at most `max_open` calls at a time.
    pub fn new(max_open: usize) -> Self {
        let (shards, shard) = Shards::new(max_open);
        Self { shard, shards: Arc::new(shards) }
    }

    /// Returns a handle that adds its calls to a shard of their own: opening and ending them writes nothing that the calls of
    /// other handles write too. Make one for each thread that has a service of its own.
    ///
    /// All else concerns the whole list, through every handle: the limit of open calls, which is exact, logging, hooks, the
    /// console, and [`Calls::abort_all`]. The shards share the room for ended calls.
    #[must_use]
    pub fn new_shard(&self) -> Self {
        Self { shard: self.shards.add(), shards: Arc::clone(&self.shards) }
    }

    /// Sets how many calls may be open at a time. Calls that are open stay. A further one gets `RESOURCE_EXHAUSTED`.
    pub fn set_max_open(&self, max: usize) {
        self.shards.set_max_open(max);
    }

    /// Sets how long a gRPC-Web request may be silent before its end. Its call then ends as [`EndReason::RequestStalled`].
    pub(crate) fn set_request_idle_timeout(&self, timeout: Option<Duration>) {
        self.shards.set_request_idle_timeout(timeout);
    }

    /// Sets whether each call logs a line when it opens and one when it ends: `tracing` events of level INFO and target
    /// `drawbridge::call`, in the span that was current when the call opened. On by default.
    pub fn set_logging(&self, on: bool) {
        self.shards.set_logging(on);
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
        let hook: Hook<CallContext> = Arc::new(hook);
        self.shards.add_hook(&hook);
    }

    /// Returns how many calls are open.
    pub fn open(&self) -> usize {
        self.shards.all().iter().map(|shard| shard.open()).sum()
    }

    /// Ends every open call as [`EndReason::Draining`], and each new one from now on: their callers get UNAVAILABLE.
    pub fn abort_all(&self) {
        for shard in self.shards.all() {
            // Ended without the lock of the list, which each end takes.
            for call in shard.close() {
                call.end(EndReason::Draining);
            }
        }
    }

    /// Returns whether [`Calls::abort_all`] was called.
    #[cfg(feature = "serve")]
    pub(crate) fn is_closed(&self) -> bool {
        self.shard.is_closed()
    }

    /// Returns the shard that this handle adds calls to.
    pub(super) fn shard(&self) -> &Arc<CallList<CallContext>> {
        &self.shard
    }

    /// Adds a call, which from then on ends at its deadline.
    ///
    /// # Errors
    ///
    /// Returns the status that the call ends with if it is not admitted.
    pub(super) fn add(&self, call: &CallContext) -> Result<(), Status> {
        let deadline = call.ends_at().map(|at| (keeper::current_runtime(), at));
        let runtime = deadline.map(|(runtime, _)| runtime);
        let added = loop {
            match self.shard.add(call, deadline, |call, key| call.put_at(key, runtime)) {
                Ok(added) => break added,
                Err(Rejected::NoPermit) => self.shards.stock(&self.shard).map_err(status_of)?,
                Err(Rejected::Closed) => {
                    return Err(with_pushback(Status::unavailable("the server is shutting down")));
                }
            }
        };
        match (added, runtime) {
            (Added::Earliest(keeper), _) => keeper.notify_one(),
            (Added::NoKeeper(earlier), Some(runtime)) => {
                keeper::start(Arc::clone(&self.shard), runtime, earlier);
            }
            _ => {}
        }
        Ok(())
    }
}

fn status_of(Full(max): Full) -> Status {
    Status::resource_exhausted(format!(
        "{max} calls are open, which is the limit of this server; try again later"
    ))
}

/// How the calls of a list have changed.
#[cfg(feature = "console")]
#[derive(Debug)]
pub(crate) struct Changes {
    /// All calls that are open.
    pub(crate) open: Vec<CallContext>,
    /// The calls that have ended, as far as they are kept: those of each shard oldest first.
    pub(crate) ended: Vec<CallContext>,
    /// How many have ended and are not kept.
    pub(crate) skipped: u64,
    /// The last ends, to ask from the next time.
    pub(crate) upto: LastEnds,
}

/// The number of the last end in each shard. A shard that is not among them has had none.
#[cfg(feature = "console")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LastEnds(Vec<u64>);

/// Keeps every end in the history, that of plain calls too, until it is dropped.
#[cfg(feature = "console")]
#[derive(Debug)]
pub(crate) struct Watching(Calls);

#[cfg(feature = "console")]
impl Drop for Watching {
    fn drop(&mut self) {
        self.0.shards.remove_watcher();
    }
}

#[cfg(feature = "console")]
impl Calls {
    /// Keeps every end in the history until what this returns is dropped.
    pub(crate) fn watch(&self) -> Watching {
        self.shards.add_watcher();
        Watching(self.clone())
    }

    /// Returns what is open, and what has ended since these ends.
    pub(crate) fn changes(&self, since: &LastEnds) -> Changes {
        let shards = self.shards.all();
        // Before the history: a call that ends meanwhile is then in both, and not in neither.
        let open = listed(&shards);
        let mut changes = Changes { open, ended: Vec::new(), skipped: 0, upto: LastEnds::default() };
        for (index, shard) in shards.iter().enumerate() {
            let since = since.0.get(index).copied().unwrap_or_default();
            let (upto, ended) = shard.with_history(|history| (history.count(), history.after(since)));
            changes.skipped += upto - since - ended.len() as u64;
            changes.ended.extend(ended);
            changes.upto.0.push(upto);
        }
        changes
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

    fn known(&self, is_wanted: impl Fn(&CallContext) -> bool) -> Vec<CallContext> {
        let shards = self.shards.all();
        let mut known = listed(&shards);
        known.retain(&is_wanted);
        for shard in &shards {
            shard.with_history(|history| {
                for call in history.all().filter(|call| is_wanted(call)) {
                    // A call that ended a moment ago may still be among the open ones.
                    if known.iter().all(|open| open.call_id() != call.call_id()) {
                        known.push(call.clone());
                    }
                }
            });
        }
        known
    }
}

/// Returns the open calls of these shards that the console shows.
#[cfg(feature = "console")]
fn listed(shards: &[Arc<CallList<CallContext>>]) -> Vec<CallContext> {
    let mut open: Vec<_> = shards.iter().flat_map(|shard| shard.open_list()).collect();
    open.retain(CallContext::is_listed);
    open
}

#[cfg(test)]
mod tests;
