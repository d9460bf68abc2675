//! What calls need of the platform that they run on. A browser provides it, and tests provide a mock.

use std::any::Any;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::HeaderMap;
use tonic::Status;

use crate::cancel_token::Abort;
use crate::fetch_options::FetchOptions;

/// A clock, timers, the event of leaving the page, and HTTP requests.
pub(crate) trait Platform: Clone + Send + Sync + Unpin + 'static {
    /// Resolves to the head of a response.
    type ResponseFuture: Future<Output = Result<http::Response<Self::Chunks>, FetchError>> + Send + Unpin;
    /// The body of a response, in chunks of any size.
    type Chunks: Stream<Item = Result<Bytes, FetchError>> + Send + Unpin;

    /// Returns an error if this platform cannot make calls at all.
    fn check_available(&self) -> Result<(), Status> {
        Ok(())
    }
    /// Reads the clock, which is monotonic.
    fn now(&self) -> Duration;
    /// Sends a request. Only `abort` stops it: dropping the future or the chunks does not.
    fn send(&self, request: OutgoingRequest) -> InFlight<Self>;
    /// Calls `callback` after the duration, and again after each duration that it returns, until it returns `None`.
    /// It may also be called earlier, for example when the clock may have jumped.
    fn set_timer(&self, after: Duration, callback: TimerCallback) -> Registration;
    /// Calls `callback` when the user leaves the page.
    fn on_page_left(&self, callback: Box<dyn Fn() + Send>) -> Registration;
    /// Calls `callback` when the page, its visibility or its network changes.
    fn on_page_event(&self, callback: Box<dyn Fn(PageEvent) + Send>) -> Registration;
    /// Returns a number that is evenly distributed in 0..1. It need not be unpredictable.
    fn random(&self) -> f64;
    /// Returns whether the platform knows that there is no network.
    fn is_offline(&self) -> bool;
    /// Returns whether the user cannot see the page.
    fn is_hidden(&self) -> bool;
}

/// An event of the page.
#[cfg_attr(not(any(test, target_arch = "wasm32")), expect(dead_code, reason = "only a browser has a page"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageEvent {
    /// The user left the page. The browser may keep it in the back/forward cache.
    Left,
    /// The page came back out of the back/forward cache.
    Shown,
    /// [`Platform::is_offline`] or [`Platform::is_hidden`] may have changed.
    Changed,
}

/// The callback of a timer. It returns the time until the next call, if there is to be one.
pub(crate) type TimerCallback = Box<dyn Fn() -> Option<Duration> + Send>;

/// A timer or an event listener. Dropping it removes it.
pub(crate) type Registration = Box<dyn Any + Send + Sync>;

/// A `POST` request.
#[cfg_attr(
    not(any(test, target_arch = "wasm32")),
    expect(dead_code, reason = "only a browser sends requests")
)]
#[derive(Clone, Debug)]
pub(crate) struct OutgoingRequest {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) fetch: FetchOptions,
}

/// A request that was sent.
pub(crate) struct InFlight<P: Platform> {
    pub(crate) response: P::ResponseFuture,
    /// Stops the request and its response. Does nothing after the response has ended.
    pub(crate) abort: Abort,
}

/// A request or a response that failed, with the platform's error message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FetchError(pub(crate) String);
