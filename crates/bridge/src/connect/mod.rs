//! Connect: what a request has to be, and the form of its response
//! ([the specification](https://connectrpc.com/docs/protocol)).
//!
//! A call becomes gRPC before the CALL layer, and its response Connect again behind it. Messages are passed on as bytes,
//! compressed ones too.
//!
//! A module uses only modules above it in this list:
//!
//! 1. [`json_text`]: writes JSON. [`details`]: the details of a status.
//! 2. [`error`]: the error of a call, and responses that are one.
//! 3. [`encodings`]: names of compressions. [`request_head`] and [`response_head`]: the headers of a call.
//! 4. [`get_request`]: calls by GET. [`message_body`]: the one message of a unary request. [`unary`]: the response to it. [`end_stream`]: the response with a stream.
//! 5. [`service`]: translates calls.

mod details;
mod encodings;
mod end_stream;
mod error;
mod get_request;
mod json_text;
mod message_body;
mod request_head;
mod response_head;
mod service;
mod unary;

pub(crate) use error::{ConnectError, error_response};
pub(crate) use service::{AllowedOrigins, ConnectService};
