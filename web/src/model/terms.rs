//! What a caller asks of a call besides its message.

use std::time::Duration;

use drawbridge_fetch::{CallOptions, RetryPolicy, Trace};
use tonic::Request;
use tonic::metadata::MetadataMap;

use super::number::number;
use super::{X_REQUEST_ID, request_id};

/// How long a call may take, how often it is tried, and what travels with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// The whole time that the call may take; none means as long as it likes.
    pub(crate) limit: Option<Duration>,
    /// What is sent beside the message.
    pub(crate) metadata: MetadataMap,
    /// Which failures are tried again; none means that nothing is.
    pub(crate) retry: Option<RetryPolicy>,
}

/// What a call that was sent can be followed by: the label that its servers know it by, and this page's own account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    /// The value of `x-request-id`.
    pub(crate) request_id: String,
    pub(crate) trace: Trace,
}

impl Terms {
    /// Returns the request that carries `message` on these terms, and by what to follow it. Its answer is one message
    /// where the call is `unary`. A label that is among the metadata is kept; otherwise `random` numbers in 0..1 make one.
    pub(crate) fn request<M>(
        &self,
        message: M,
        unary: bool,
        random: impl FnMut() -> f64,
    ) -> (Request<M>, Sent) {
        let mut metadata = self.metadata.clone();
        let own = metadata.get(X_REQUEST_ID).and_then(|own| own.to_str().ok()).map(str::to_owned);
        let request_id = own.unwrap_or_else(|| request_id(random));
        if let Ok(value) = request_id.parse() {
            metadata.insert(X_REQUEST_ID, value);
        }
        let sent = Sent { request_id, trace: Trace::new() };
        let options = CallOptions::new().with_metadata(metadata).with_trace(&sent.trace);
        let options = match self.limit {
            Some(limit) => options.with_timeout(limit),
            None => options.without_timeout(),
        };
        let options = if unary { options.unary() } else { options };
        let options = match &self.retry {
            Some(policy) => options.with_retry(policy.clone()),
            None => options,
        };
        let mut request = Request::new(message);
        request.extensions_mut().insert(options);
        (request, sent)
    }
}

/// Reads a number of seconds, to the millisecond, such as `2` or `0.25`. Nothing but blanks means none.
///
/// # Errors
///
/// Says in words what is wrong with the text. It is read without a float: the code that reads those is heavy.
pub(crate) fn limit(text: &str) -> Result<Option<Duration>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    match (number(whole), number(&format!("{part:0<3}"))) {
        (Some(seconds), Some(milliseconds)) if whole.len() + part.len() > 0 && part.len() <= 3 => {
            Ok(Some(Duration::from_secs(seconds.into()) + Duration::from_millis(milliseconds.into())))
        }
        _ => Err(format!("{text:?} is no number of seconds, such as 2 or 0.25.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_call_has_a_label_of_its_own_unless_its_user_has_given_one() {
        let mut terms = Terms::default();
        let (_, sent) = terms.request((), true, || 0.5);
        assert_eq!(sent.request_id, "8".repeat(32));
        terms.metadata.insert(X_REQUEST_ID, "order:17".parse().unwrap());
        let (_, sent) = terms.request((), true, || 0.5);
        assert_eq!(sent.request_id, "order:17");
    }

    #[test]
    fn seconds_are_read_to_the_millisecond() {
        for (text, milliseconds) in
            [("2", 2_000), (" 0.25 ", 250), ("0,5", 500), (".5", 500), ("3.", 3_000), ("0", 0)]
        {
            assert_eq!(limit(text), Ok(Some(Duration::from_millis(milliseconds))), "{text}");
        }
        assert_eq!(limit(" "), Ok(None));
    }

    #[test]
    fn what_is_no_number_of_seconds_is_quoted() {
        for text in ["two", "-1", "+1", "1e3", ".", "1.2345", "1.2.3", "1234567890", "½", "1 s"] {
            assert!(limit(text).is_err_and(|words| words.contains(text)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,12}") {
            let _ = limit(&text);
        }

        #[test]
        fn every_millisecond_can_be_written(seconds in 0_u64..1_000_000_000, milliseconds in 0_u64..1_000) {
            let read = limit(&format!("{seconds}.{milliseconds:03}"));
            prop_assert_eq!(read, Ok(Some(Duration::from_millis(seconds * 1_000 + milliseconds))));
        }
    }
}
