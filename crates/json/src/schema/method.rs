//! Methods of services.

use bytes::Bytes;

use super::message::Message;

/// A method of a service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Method {
    /// The path of its calls: `/package.Service/Method`.
    pub path: Box<str>,
    /// The message of requests.
    pub input: Message,
    /// The message of responses.
    pub output: Message,
    /// Whether a request has any number of messages.
    pub client_streaming: bool,
    /// Whether a response has any number of messages.
    pub server_streaming: bool,
    /// What the contract says of repeated calls.
    pub idempotency: Idempotency,
    /// Whether the contract marks it as deprecated.
    pub deprecated: bool,
    /// Its option `google.api.http`, an encoded `google.api.HttpRule`. Empty if it has none.
    pub http: Bytes,
}

/// What a contract says of repeated calls: the option `idempotency_level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// Nothing.
    Unknown,
    /// A call changes nothing (`NO_SIDE_EFFECTS`), so that GET may be used.
    NoSideEffects,
    /// A second call changes nothing (`IDEMPOTENT`).
    Idempotent,
}
