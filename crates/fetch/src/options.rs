//! What a caller says about a call.

use std::sync::Arc;
use std::time::Duration;

use drawbridge_core::{Deadline, RetryPolicy, Timeout};
use http::HeaderMap;
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::arity::Arity;
use crate::{CancelHandle, Trace};

/// The longest timeout that the wire can carry: 99,999,999 hours. No clock's deadline overflows with it.
const LONGEST: Duration = Duration::from_secs(99_999_999 * 3_600);

/// What a caller says about one call, as an extension of its request; or, given to a transport, about all its calls.
///
/// ```
/// use std::time::Duration;
/// use drawbridge_fetch::{CallOptions, CancelHandle};
///
/// let cancel = CancelHandle::new();
/// let mut request = tonic::Request::new("hello");
/// request.extensions_mut().insert(
///     CallOptions::new().with_timeout(Duration::from_secs(30)).with_cancel(&cancel),
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    timeout: Setting<Timeout>,
    deadline: Option<Deadline<Duration>>,
    cancel: Vec<CancelHandle>,
    metadata: MetadataMap,
    arity: Arity,
    retry: Setting<Arc<RetryPolicy>>,
    trace: Option<Trace>,
}

/// What one call says of something that the transport's defaults may have, too.
#[derive(Clone, Debug, Default)]
enum Setting<T> {
    /// As the transport's defaults have it.
    #[default]
    Default,
    Without,
    With(T),
}

impl<T: Clone> Setting<T> {
    fn or(self, defaults: &Self) -> Self {
        match self {
            Self::Default => defaults.clone(),
            said => said,
        }
    }

    fn get(&self) -> Option<&T> {
        match self {
            Self::With(value) => Some(value),
            Self::Default | Self::Without => None,
        }
    }
}

impl CallOptions {
    /// Creates options that say nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the whole call, its stream included, to this time. The clock starts when the call is made.
    ///
    /// The server is told (`grpc-timeout`), and this side keeps it too: when the time is up, the request is aborted
    /// at once and the call ends with `DEADLINE_EXCEEDED`. A timeout of zero fails without a request. Where a call
    /// has several limits, this one, [`with_deadline`](Self::with_deadline) and tonic's own `set_timeout`, the
    /// first to pass counts.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Setting::With(timeout.into());
        self
    }

    /// Leaves the call without a timeout, even where the transport's defaults have one.
    #[must_use]
    pub fn without_timeout(mut self) -> Self {
        self.timeout = Setting::Without;
        self
    }

    /// Limits the call to a deadline on the page's clock, which several calls can share. One that has passed fails
    /// without a request.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Deadline<Duration>) -> Self {
        self.deadline = Deadline::min(self.deadline, Some(deadline));
        self
    }

    /// Lets `cancel` end the call. A call can carry several handles.
    #[must_use]
    pub fn with_cancel(mut self, cancel: &CancelHandle) -> Self {
        self.cancel.push(cancel.clone());
        self
    }

    /// Sends metadata with the call. A key that is also in the request's own metadata, or in the options of the
    /// call where these are the defaults, gives way to it with all its values.
    #[must_use]
    pub fn with_metadata(mut self, metadata: MetadataMap) -> Self {
        self.metadata = metadata;
        self
    }

    /// Says that the call is unary: it is answered with exactly one message, or fails. So are the calls whose
    /// requests alone are streams.
    ///
    /// tonic's generated clients know which calls are, and do not tell their transport. Without this, what tonic
    /// makes of an answer counts: without a message it is `INTERNAL`, and of several the first is taken. With it,
    /// either ends the call with `UNIMPLEMENTED`, as gRPC has it for two sides that do not agree on a method, and a
    /// server that would go on sending is let go.
    #[must_use]
    pub fn unary(mut self) -> Self {
        self.arity = Arity::One;
        self
    }

    /// Tries a call again that failed, as `policy` says
    /// ([gRFC A6](https://github.com/grpc/proposal/blob/master/A6-client-retries.md)).
    ///
    /// All attempts share the call's one deadline, and each tells the server what is left of it (`grpc-timeout`) and how
    /// many went before (`grpc-previous-rpc-attempts`). A server says when to come back with `grpc-retry-pushback-ms`, in
    /// its headers or trailers. A wait that would outlast the deadline is not begun: the call is `DEADLINE_EXCEEDED` at
    /// once, in words that hold the last failure, and its [`Cause`](crate::Cause) is `NoTimeToRetry`.
    ///
    /// The first message, from its first byte, is what cannot be taken back: after it nothing is tried again. Headers are
    /// none, because a proxy sends them before it knows; so the answer is handed on when its first message or its end
    /// has come. A request that the browser could not send counts as `UNAVAILABLE`. What this side ends, by cancelling,
    /// by leaving the page or by its deadline, stays ended.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Setting::With(Arc::new(policy));
        self
    }

    /// Makes one attempt and no other, even where the transport's defaults have a policy.
    #[must_use]
    pub fn without_retry(mut self) -> Self {
        self.retry = Setting::Without;
        self
    }

    /// Writes down in `trace` what becomes of the call and of each attempt at it.
    #[must_use]
    pub fn with_trace(mut self, trace: &Trace) -> Self {
        self.trace = Some(trace.clone());
        self
    }

    /// Returns the options of one call, with what it does not say taken from the defaults.
    pub(crate) fn or(mut self, defaults: &Self) -> Self {
        self.timeout = self.timeout.or(&defaults.timeout);
        self.deadline = Deadline::min(self.deadline, defaults.deadline);
        self.cancel.extend_from_slice(&defaults.cancel);
        let mut metadata = self.metadata.into_headers();
        fill(&mut metadata, defaults.metadata.as_ref());
        self.metadata = MetadataMap::from_headers(metadata);
        if defaults.arity == Arity::One {
            self.arity = Arity::One;
        }
        self.retry = self.retry.or(&defaults.retry);
        self.trace = self.trace.or_else(|| defaults.trace.clone());
        self
    }

    /// Returns how failures are tried again, if they are.
    pub(crate) fn retry_policy(&self) -> Option<&RetryPolicy> {
        self.retry.get().map(Arc::as_ref).filter(|policy| policy.max_attempts() > 1)
    }

    /// Returns where the call is written down.
    pub(crate) fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// Returns how many messages the answer has.
    pub(crate) fn arity(&self) -> Arity {
        self.arity
    }

    /// Returns the handles that can cancel the call.
    pub(crate) fn cancels(&self) -> &[CancelHandle] {
        &self.cancel
    }

    /// Adds the metadata to the headers of a request, except for keys that are there already.
    pub(crate) fn add_metadata(&self, headers: &mut HeaderMap) {
        fill(headers, self.metadata.as_ref());
    }

    /// Returns when a call that starts `now` must have ended: the first of all its limits, of which tonic writes
    /// its own into the headers.
    pub(crate) fn deadline(
        &self,
        now: Duration,
        headers: &HeaderMap,
    ) -> Result<Option<Deadline<Duration>>, Status> {
        let after = |timeout: Timeout| Deadline::after(now, timeout.duration().min(LONGEST).into());
        let own = self.timeout.get().and_then(|timeout| after(*timeout));
        let stated = match headers.get(drawbridge_core::headers::GRPC_TIMEOUT) {
            Some(value) => {
                let text = String::from_utf8_lossy(value.as_bytes());
                after(text.parse().map_err(|error| Status::invalid_argument(format!("{error}")))?)
            }
            None => None,
        };
        Ok(Deadline::min(Deadline::min(own, stated), self.deadline))
    }
}

/// Adds to `headers` all values of each key that they do not have yet.
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
