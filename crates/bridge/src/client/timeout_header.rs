//! The value of a `grpc-timeout` header.

use drawbridge_core::Timeout;
use http::HeaderValue;

/// Returns a timeout as the value of `grpc-timeout`.
pub(crate) fn timeout_header(timeout: Timeout) -> HeaderValue {
    let mut value = HeaderValue::try_from(timeout.to_string())
        .unwrap_or_else(|_| unreachable!("digits and a letter are a valid header value"));
    // Another one in each call, so not worth an entry in the tables that compress headers.
    value.set_sensitive(true);
    value
}
