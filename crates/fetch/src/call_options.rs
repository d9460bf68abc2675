//! The options of a call.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_core::headers::GRPC_TIMEOUT;
use drawbridge_core::{Deadline, RetryPolicy, Timeout};
use http::HeaderMap;
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::cancel_handle::CancelHandle;
use crate::cardinality::ResponseCardinality;
use crate::fetch_options::{CacheMode, Credentials, FetchOptions, RedirectMode, ReferrerPolicy, RequestMode};
use crate::setting::Setting;
use crate::trace::Trace;

/// The longest timeout that `grpc-timeout` can carry: 99,999,999 hours. Every deadline on the page's clock can be
/// represented with it.
const MAX_TIMEOUT: Duration = Duration::from_secs(99_999_999 * 3_600);

/// The options of one call, or the defaults of all calls of a transport.
///
/// [`RequestExt`](crate::RequestExt) sets them on a request.
/// [`Transport::with_defaults`](crate::Transport::with_defaults) sets defaults, which the options of a call override one
/// by one.
///
/// ```
/// use drawbridge_fetch::{CallOptions, Credentials, Transport};
/// use std::time::Duration;
///
/// let defaults = CallOptions::new()
///     .with_timeout(Duration::from_secs(30))
///     .with_credentials(Credentials::Include);
/// let transport = Transport::new("https://api.example.org").with_defaults(defaults);
/// ```
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    timeout: Setting<Timeout>,
    deadline: Option<Deadline<Duration>>,
    cancel: Vec<CancelHandle>,
    metadata: MetadataMap,
    cardinality: ResponseCardinality,
    retry: Setting<Arc<RetryPolicy>>,
    trace: Option<Trace>,
    fetch: FetchOptions,
}

impl CallOptions {
    /// Creates options of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the timeout of the whole call, from the moment it is made until the end of its response stream. By default there is none.
    ///
    /// It is sent to the server as `grpc-timeout` and also enforced by this transport: when it expires, the request is
    /// aborted and the call ends with `DEADLINE_EXCEEDED`. A call with a timeout of zero fails before it is sent. If
    /// there are several limits (this, [`with_deadline`](Self::with_deadline), tonic's `Request::set_timeout`), the
    /// earliest applies.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Setting::On(timeout.into());
        self
    }

    /// Removes the timeout that the transport's defaults set.
    #[must_use]
    pub fn without_timeout(mut self) -> Self {
        self.timeout = Setting::Off;
        self
    }

    /// Sets a deadline, by the clock of [`now`](crate::now), which several calls can share. A call whose deadline has
    /// passed fails before it is sent.
    ///
    /// ```
    /// use drawbridge_fetch::{CallOptions, Deadline, now};
    /// use std::time::Duration;
    ///
    /// let options = match Deadline::after(now(), Duration::from_secs(2).into()) {
    ///     Some(deadline) => CallOptions::new().with_deadline(deadline),
    ///     None => CallOptions::new(),
    /// };
    /// ```
    #[must_use]
    pub fn with_deadline(mut self, deadline: Deadline<Duration>) -> Self {
        self.deadline = Deadline::min(self.deadline, Some(deadline));
        self
    }

    /// Adds a handle that can cancel the call. A call can have several.
    #[must_use]
    pub fn with_cancel(mut self, cancel: &CancelHandle) -> Self {
        self.cancel.push(cancel.clone());
        self
    }

    /// Sets metadata that is sent with the call. Keys that the request's own metadata has are not sent from here.
    #[must_use]
    pub fn with_metadata(mut self, metadata: MetadataMap) -> Self {
        self.metadata = metadata;
        self
    }

    /// Makes the call fail with `UNIMPLEMENTED` unless its response has exactly one message. Set it for unary and
    /// client-streaming methods.
    ///
    /// tonic does not tell its transport which methods are unary. Without this option tonic decides: a response without
    /// a message is `INTERNAL`, and all messages after the first are ignored. With it, the call follows gRPC, and a
    /// server that continues to send is aborted.
    #[must_use]
    pub fn unary(mut self) -> Self {
        self.cardinality = ResponseCardinality::One;
        self
    }

    /// Retries the call by this policy if it fails ([gRFC A6](https://github.com/grpc/proposal/blob/master/A6-client-retries.md)).
    /// By default there are no retries.
    ///
    /// - All attempts share the deadline of the call. Each sends the time that is left (`grpc-timeout`), and how many
    ///   attempts preceded it (`grpc-previous-rpc-attempts`).
    /// - A server can set the backoff with `grpc-retry-pushback-ms`, in headers or trailers.
    /// - If the deadline would pass during a backoff, the call ends immediately with `DEADLINE_EXCEEDED`. Its message has
    ///   the last failure, and its [`Cause`](crate::Cause) is `NoTimeToRetry`.
    /// - The first byte of a message commits the call: there is no retry after it. Headers do not commit it, because a
    ///   proxy may send them before the server has responded. So the response is returned once its first message or its
    ///   end has arrived.
    /// - A request that the browser could not send counts as `UNAVAILABLE`.
    /// - A call that was cancelled, whose deadline passed or whose page was left is not retried.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Setting::On(Arc::new(policy));
        self
    }

    /// Removes the retry policy that the transport's defaults set.
    #[must_use]
    pub fn without_retry(mut self) -> Self {
        self.retry = Setting::Off;
        self
    }

    /// Records the call and its attempts in `trace`.
    #[must_use]
    pub fn with_trace(mut self, trace: &Trace) -> Self {
        self.trace = Some(trace.clone());
        self
    }

    /// Sets whether cookies, HTTP authentication and client certificates are sent. Browser default:
    /// [`Credentials::SameOrigin`].
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.fetch.set_credentials(credentials);
        self
    }

    /// Sets how the browser's HTTP cache is used. Browser default: [`CacheMode::Default`].
    #[must_use]
    pub fn with_cache(mut self, cache: CacheMode) -> Self {
        self.fetch.set_cache(cache);
        self
    }

    /// Sets which origins may be called. Browser default: [`RequestMode::Cors`].
    #[must_use]
    pub fn with_mode(mut self, mode: RequestMode) -> Self {
        self.fetch.set_mode(mode);
        self
    }

    /// Sets what the browser does with HTTP redirects. Browser default: [`RedirectMode::Follow`].
    #[must_use]
    pub fn with_redirect(mut self, redirect: RedirectMode) -> Self {
        self.fetch.set_redirect(redirect);
        self
    }

    /// Sets how much of the page's address is sent in `Referer`. Default: the policy of the page.
    #[must_use]
    pub fn with_referrer_policy(mut self, policy: ReferrerPolicy) -> Self {
        self.fetch.set_referrer_policy(policy);
        self
    }

    /// Sets whether the call continues when the user leaves the page, for example to save a draft. Default: no, leaving
    /// the page cancels it.
    ///
    /// The page does not receive the response. Browsers limit the requests of a page with `keepalive` to 64 KiB in total,
    /// and fail those beyond. Dropping or cancelling the call aborts it as always.
    #[must_use]
    pub fn with_keepalive(mut self, keepalive: bool) -> Self {
        self.fetch.set_keepalive(keepalive);
        self
    }

    /// Returns these options, with those that are not set taken from `defaults`.
    pub(crate) fn or(mut self, defaults: &Self) -> Self {
        self.timeout = self.timeout.or(&defaults.timeout);
        self.deadline = Deadline::min(self.deadline, defaults.deadline);
        self.cancel.extend_from_slice(&defaults.cancel);
        let mut metadata = self.metadata.into_headers();
        fill(&mut metadata, defaults.metadata.as_ref());
        self.metadata = MetadataMap::from_headers(metadata);
        if defaults.cardinality == ResponseCardinality::One {
            self.cardinality = ResponseCardinality::One;
        }
        self.retry = self.retry.or(&defaults.retry);
        self.trace = self.trace.or_else(|| defaults.trace.clone());
        self.fetch = self.fetch.or(&defaults.fetch);
        self
    }

    /// Returns the options of the wait between two calls with these options: what cancels it, and where it is traced. Leaving
    /// the page does not end it, because the page may come back.
    pub(crate) fn of_wait(&self) -> Self {
        Self { cancel: self.cancel.clone(), trace: self.trace.clone(), ..Self::default() }
            .with_keepalive(true)
    }

    /// Returns the retry policy, if it allows retries.
    pub(crate) fn retry_policy(&self) -> Option<&RetryPolicy> {
        self.retry.get().map(Arc::as_ref).filter(|policy| policy.max_attempts() > 1)
    }

    pub(crate) fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    pub(crate) fn cardinality(&self) -> ResponseCardinality {
        self.cardinality
    }

    pub(crate) fn cancel_handles(&self) -> &[CancelHandle] {
        &self.cancel
    }

    pub(crate) fn fetch(&self) -> &FetchOptions {
        &self.fetch
    }

    /// Adds the metadata to the headers of a request, except for keys that it has.
    pub(crate) fn add_metadata(&self, headers: &mut HeaderMap) {
        fill(headers, self.metadata.as_ref());
    }

    /// Returns the deadline of a call that starts at `now`: the earliest of all limits. tonic's own limit is in the
    /// headers.
    pub(crate) fn deadline(
        &self,
        now: Duration,
        headers: &HeaderMap,
    ) -> Result<Option<Deadline<Duration>>, Status> {
        let after = |timeout: Timeout| Deadline::after(now, timeout.duration().min(MAX_TIMEOUT).into());
        let own = self.timeout.get().and_then(|timeout| after(*timeout));
        let in_headers = match headers.get(GRPC_TIMEOUT) {
            Some(value) => {
                let text = String::from_utf8_lossy(value.as_bytes());
                after(text.parse().map_err(|error| Status::invalid_argument(format!("{error}")))?)
            }
            None => None,
        };
        Ok(Deadline::min(Deadline::min(own, in_headers), self.deadline))
    }
}

/// Adds to `headers` all values of each key that they do not have.
fn fill(headers: &mut HeaderMap, from: &HeaderMap) {
    for name in from.keys() {
        if !headers.contains_key(name) {
            for value in from.get_all(name) {
                headers.append(name, value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
