//! Tasks that belong to a call.

use tokio::task::JoinHandle;

use super::context::CallContext;

/// What happens to a spawned task when the call that it belongs to ends, for whatever reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnCallEnd {
    /// The task is dropped at its next await, with its child calls, queries and timers. For work that only serves the
    /// response.
    Abort,
    /// The task runs on to its own end. [`CallContext::cancelled`] and [`CallContext::end_reason`] tell it that the call has
    /// ended. For work that must not stay half done.
    ///
    /// Its child calls end with the call all the same, unless they are [`Detached`](crate::Detached).
    Detach,
}

impl CallContext {
    /// Spawns a task that belongs to this call: in it too the call is the current one, and log events are in its span.
    ///
    /// Awaiting the task yields its result, or `None` if the end of the call dropped it before. Dropping the handle leaves
    /// the task alone. If the call has ended already, a task to abort does not start.
    ///
    /// ```
    /// use drawbridge::{CallContext, OnCallEnd};
    ///
    /// # async fn store(_: &str) {}
    /// # async fn handler() {
    /// if let Some(call) = CallContext::current() {
    ///     call.spawn(OnCallEnd::Detach, async { store("an order").await });
    /// }
    /// # }
    /// ```
    pub fn spawn<W>(&self, on_end: OnCallEnd, work: W) -> JoinHandle<Option<W::Output>>
    where
        W: Future<Output: Send> + Send + 'static,
    {
        let call = self.clone();
        let task = async move {
            match on_end {
                OnCallEnd::Detach => Some(work.await),
                OnCallEnd::Abort => tokio::select! {
                    biased;
                    _ = call.cancelled() => None,
                    result = work => Some(result),
                },
            }
        };
        tokio::spawn(self.clone().instrument(task))
    }
}
