//! Timeout, metadata and retry policy of a call.

use std::time::Duration;

use drawbridge_fetch::{CallOptions, RetryPolicy, Trace};
use tonic::Request;
use tonic::metadata::MetadataMap;

use super::request_id::{X_REQUEST_ID, request_id};

/// Timeout, metadata and retry policy of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallSettings {
    /// The timeout over all attempts, or `None` for a call without a deadline.
    pub(crate) timeout: Option<Duration>,
    /// The metadata to send.
    pub(crate) metadata: MetadataMap,
    /// Which failures are retried, or `None` for no retries.
    pub(crate) retry: Option<RetryPolicy>,
}

/// The request id and the trace of a call that was sent. They lead to the servers' records and to the page's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentCall {
    /// The value of `x-request-id`.
    pub(crate) request_id: String,
    /// The page's record of the call's attempts.
    pub(crate) trace: Trace,
}

impl CallSettings {
    /// Returns a request for `message` with these settings. `unary` means that the response is one message.
    ///
    /// An `x-request-id` in the metadata is kept. Without one, an id is made of `random` numbers in 0..1.
    pub(crate) fn request<M>(
        &self,
        message: M,
        unary: bool,
        random: impl FnMut() -> f64,
    ) -> (Request<M>, SentCall) {
        let own = self.metadata.get(X_REQUEST_ID).and_then(|own| own.to_str().ok()).map(str::to_owned);
        let request_id = own.unwrap_or_else(|| request_id(random));
        let sent = SentCall { request_id, trace: Trace::new() };
        (self.request_of(&sent, message, unary), sent)
    }

    /// Returns a request for `message` that belongs to this call, with its request id and its trace.
    pub(crate) fn request_of<M>(&self, sent: &SentCall, message: M, unary: bool) -> Request<M> {
        let mut metadata = self.metadata.clone();
        if let Ok(value) = sent.request_id.parse() {
            metadata.insert(X_REQUEST_ID, value);
        }
        let options = CallOptions::new().with_metadata(metadata).with_trace(&sent.trace);
        let options = match self.timeout {
            Some(timeout) => options.with_timeout(timeout),
            None => options.without_timeout(),
        };
        let options = if unary { options.unary() } else { options };
        let options = match &self.retry {
            Some(policy) => options.with_retry(policy.clone()),
            None => options,
        };
        let mut request = Request::new(message);
        request.extensions_mut().insert(options);
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_gets_a_request_id_unless_the_metadata_has_one() {
        let mut settings = CallSettings::default();
        let (_, sent) = settings.request((), true, || 0.5);
        assert_eq!(sent.request_id, "8".repeat(32));
        settings.metadata.insert(X_REQUEST_ID, "order:17".parse().unwrap());
        let (_, sent) = settings.request((), true, || 0.5);
        assert_eq!(sent.request_id, "order:17");
    }
}
