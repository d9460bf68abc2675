//! What a caller asks of a call besides its message.

use std::time::Duration;

use drawbridge_fetch::CallOptions;
use tonic::Request;
use tonic::metadata::MetadataMap;

/// How long a call may take, and what travels with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// The whole time that the call may take; none means as long as it likes.
    pub(crate) limit: Option<Duration>,
    /// What is sent beside the message.
    pub(crate) metadata: MetadataMap,
}

impl Terms {
    /// Returns the request that carries `message` on these terms.
    pub(crate) fn request<M>(&self, message: M) -> Request<M> {
        self.request_with(CallOptions::new(), message)
    }

    /// Returns the request of a call whose answer is one message.
    pub(crate) fn unary_request<M>(&self, message: M) -> Request<M> {
        self.request_with(CallOptions::new().unary(), message)
    }

    fn request_with<M>(&self, options: CallOptions, message: M) -> Request<M> {
        let options = options.with_metadata(self.metadata.clone());
        let options = match self.limit {
            Some(limit) => options.with_timeout(limit),
            None => options.without_timeout(),
        };
        let mut request = Request::new(message);
        request.extensions_mut().insert(options);
        request
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
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + part.len() == 0 || whole.len() > 9 || part.len() > 3 || !digits(whole) || !digits(part) {
        return Err(format!("{text:?} is no number of seconds, such as 2 or 0.25."));
    }
    let number = |digits: &str| digits.bytes().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Ok(Some(Duration::from_millis(number(whole) * 1_000 + number(&format!("{part:0<3}")))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
