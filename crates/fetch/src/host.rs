//! What a call needs of the world around it. A page gives it; tests give their own.

use std::any::Any;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::HeaderMap;

use crate::source::Abort;

/// The surroundings of a call: a clock, an alarm, the end of the page, and one attempt at one request.
pub(crate) trait Host: Clone + Send + Sync + Unpin + 'static {
    /// Waits for the head of the answer.
    type Opening: Future<Output = Result<http::Response<Self::Chunks>, Failure>> + Send + Unpin;
    /// The answer's body, in chunks that end anywhere.
    type Chunks: Stream<Item = Result<Bytes, Failure>> + Send + Unpin;

    /// Reads the clock. It never goes back.
    fn now(&self) -> Duration;
    /// Sends a request. Nothing but its `abort` stops it: what else is dropped only stops looking.
    fn send(&self, request: Outgoing) -> Attempt<Self>;
    /// Calls `ring` after the duration or earlier, and again after each duration that it returns, until it returns
    /// none. A host may call it at any other time too, and does when the clock may have leapt.
    fn alarm(&self, after: Duration, ring: Ring) -> Guard;
    /// Calls `left` when the page is left.
    fn on_page_left(&self, left: Box<dyn Fn() + Send>) -> Guard;
    /// Returns a number that is evenly distributed in 0..1. It keeps no secret.
    fn random(&self) -> f64;
    /// Tells whether there is no network, as far as the host knows.
    fn offline(&self) -> bool;
}

/// What an alarm calls. It returns the time after which to call it again.
pub(crate) type Ring = Box<dyn Fn() -> Option<Duration> + Send>;

/// Keeps an alarm or a listener. Dropping it means that it is not called any more.
pub(crate) type Guard = Box<dyn Any + Send + Sync>;

/// One request, ready to be sent by `POST`.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// One request that is under way.
pub(crate) struct Attempt<H: Host> {
    pub(crate) opening: H::Opening,
    /// Stops the request at whatever stage it is. Does nothing after its end.
    pub(crate) abort: Abort,
}

/// A request or an answer that broke, in the host's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) String);
