//! What the head of a request says about its call.

use std::str::FromStr;

use drawbridge_core::headers::{self, text};
use drawbridge_core::{ParseTimeoutError, Timeout};
use http::{HeaderMap, HeaderValue};

use super::id::CallId;
use super::request_id::RequestId;

/// What the head of a request says about its call.
pub(super) struct RequestInfo {
    pub(super) timeout: Result<Option<Timeout>, ParseTimeoutError>,
    pub(super) request_id: RequestId,
    pub(super) parent: Option<CallId>,
    pub(super) previous_attempts: u32,
}

impl RequestInfo {
    /// Reads the head in one pass: a look-up for each header would cost more. A malformed timeout is an error; any other
    /// malformed header counts as absent.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let (mut timeout, mut request_id, mut parent, mut previous) = (None, None, None, None);
        for (name, value) in headers {
            let found = match name.as_str() {
                text::GRPC_TIMEOUT => &mut timeout,
                text::X_REQUEST_ID => &mut request_id,
                text::X_PARENT_CALL_ID => &mut parent,
                text::GRPC_PREVIOUS_RPC_ATTEMPTS => &mut previous,
                _ => continue,
            };
            found.get_or_insert(value);
        }
        Self {
            timeout: parse_timeout(timeout),
            request_id: RequestId::of(request_id),
            parent: parsed(parent),
            previous_attempts: parsed(previous).unwrap_or_default(),
        }
    }
}

/// Reads the timeout that a request carries.
pub(crate) fn requested_timeout(headers: &HeaderMap) -> Result<Option<Timeout>, ParseTimeoutError> {
    parse_timeout(headers.get(headers::GRPC_TIMEOUT))
}

fn parse_timeout(value: Option<&HeaderValue>) -> Result<Option<Timeout>, ParseTimeoutError> {
    let Some(value) = value else { return Ok(None) };
    // A value that is not text is no timeout, and the error shows it.
    value.to_str().map_or_else(|_| String::from_utf8_lossy(value.as_bytes()).parse(), str::parse).map(Some)
}

fn parsed<T: FromStr>(value: Option<&HeaderValue>) -> Option<T> {
    value?.to_str().ok()?.parse().ok()
}
