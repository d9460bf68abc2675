//! The value of a `grpc-timeout` header.

use drawbridge_core::Timeout;
use http::HeaderValue;

/// Returns a timeout as the value of `grpc-timeout`.
pub(crate) fn timeout_header(timeout: Timeout) -> HeaderValue {
    HeaderValue::try_from(timeout.to_string())
        .unwrap_or_else(|_| unreachable!("digits and a letter are a valid header value"))
}
