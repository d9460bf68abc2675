//! Names of the headers and trailers of gRPC calls.
//!
//! They are [`HeaderName`]s, which a `HeaderMap` looks up without parsing. [`text`] has those as strings that are
//! matched against.

use http::HeaderName;

/// The timeout of a call: a [`Timeout`](crate::Timeout).
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static(text::GRPC_TIMEOUT);

/// The status code of a call, as a decimal number.
pub const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The status message of a call, percent-encoded.
pub const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The details of a status: a `google.rpc.Status` in base64.
pub const GRPC_STATUS_DETAILS_BIN: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// The compression of a call's messages.
pub const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// How many attempts of a call preceded this one. The first attempt does not send it.
pub const GRPC_PREVIOUS_RPC_ATTEMPTS: HeaderName = HeaderName::from_static(text::GRPC_PREVIOUS_RPC_ATTEMPTS);

/// When a server wants a failed call to be retried, in milliseconds: a [`Pushback`](crate::Pushback).
pub const GRPC_RETRY_PUSHBACK_MS: HeaderName = HeaderName::from_static(text::GRPC_RETRY_PUSHBACK_MS);

/// The id that all hops of a request share.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static(text::X_REQUEST_ID);

/// The id of the call whose handler made this call.
pub const X_PARENT_CALL_ID: HeaderName = HeaderName::from_static(text::X_PARENT_CALL_ID);

/// The token of the console. It is not forwarded to upstreams.
pub const X_DRAWBRIDGE_TOKEN: HeaderName = HeaderName::from_static(text::X_DRAWBRIDGE_TOKEN);

/// The same names as text, for `match`.
pub mod text {
    /// [`GRPC_TIMEOUT`](super::GRPC_TIMEOUT) as text.
    pub const GRPC_TIMEOUT: &str = "grpc-timeout";
    /// [`GRPC_PREVIOUS_RPC_ATTEMPTS`](super::GRPC_PREVIOUS_RPC_ATTEMPTS) as text.
    pub const GRPC_PREVIOUS_RPC_ATTEMPTS: &str = "grpc-previous-rpc-attempts";
    /// [`GRPC_RETRY_PUSHBACK_MS`](super::GRPC_RETRY_PUSHBACK_MS) as text.
    pub const GRPC_RETRY_PUSHBACK_MS: &str = "grpc-retry-pushback-ms";
    /// [`X_REQUEST_ID`](super::X_REQUEST_ID) as text.
    pub const X_REQUEST_ID: &str = "x-request-id";
    /// [`X_PARENT_CALL_ID`](super::X_PARENT_CALL_ID) as text.
    pub const X_PARENT_CALL_ID: &str = "x-parent-call-id";
    /// [`X_DRAWBRIDGE_TOKEN`](super::X_DRAWBRIDGE_TOKEN) as text.
    pub const X_DRAWBRIDGE_TOKEN: &str = "x-drawbridge-token";
}
