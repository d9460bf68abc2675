//! Work that a handler leaves to a task of its own.

use tokio::task::JoinHandle;

use super::context::CallContext;

/// What becomes of a spawned task when the call that it belongs to ends, for whatever reason: by its deadline, because
/// the caller has gone, or because the call is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// The task is dropped where it waits, with all that it holds: child calls, lookups, timers. For work that only
    /// serves the answer.
    Abort,
    /// The task runs on to its own end, and is told if it asks: by [`CallContext::cancelled`] and
    /// [`CallContext::end_reason`]. For work that must not be left half done.
    ///
    /// Its child calls end with the call all the same, unless they are [`Detached`](crate::Detached).
    Finish,
}

impl CallContext {
    /// Spawns a task that belongs to this call: there too the call is the current one, and log lines carry its id.
    ///
    /// Waiting for the task yields its result, or `None` if the end of the call dropped it before it had one. Dropping
    /// the handle leaves the task alone. When the call has ended already, work to abort does not begin.
    ///
    /// ```
    /// use drawbridge::{AtEnd, CallContext};
    ///
    /// # async fn store(_: &str) {}
    /// # async fn handler() {
    /// if let Some(call) = CallContext::current() {
    ///     call.spawn(AtEnd::Finish, async { store("what must be kept").await });
    /// }
    /// # }
    /// ```
    pub fn spawn<W>(&self, at_end: AtEnd, work: W) -> JoinHandle<Option<W::Output>>
    where
        W: Future<Output: Send> + Send + 'static,
    {
        let call = self.clone();
        let task = async move {
            match at_end {
                AtEnd::Finish => Some(work.await),
                AtEnd::Abort => tokio::select! {
                    biased;
                    _ = call.cancelled() => None,
                    result = work => Some(result),
                },
            }
        };
        tokio::spawn(self.clone().surround(task))
    }
}
