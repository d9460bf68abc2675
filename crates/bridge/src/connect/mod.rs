//! Connect: what a request has to be, and the form of its response
//! ([the specification](https://connectrpc.com/docs/protocol)).
//!
//! A call becomes gRPC before the CALL layer, and its response Connect again behind it. Messages are passed on as bytes,
//! compressed ones too.
//!
//! Clients that know neither Connect nor gRPC, such as curl, call with JSON alone. They get streams as lines or as events.
//!
//! A module uses only modules above it in this list:
//!
//! 1. [`json_text`]: writes JSON. [`details`]: the details of a status.
//! 2. [`error`]: the error of a call, and responses that are one. [`not_a_call`]: responses to requests that are no calls.
//! 3. [`names`]: looks for several headers at once. [`encodings`]: names of compressions. [`request_head`] and [`response_head`]: the headers of a call. [`allowed_origins`]: which
//!    pages may call by GET.
//! 4. [`query_fields`]: the fields of a message in a query. [`get_request`]: calls by GET. [`message_body`]: the one message of a unary
//!    request.
//! 5. [`unary`]: a unary response. [`end_stream`]: the response with a stream.
//! 6. [`messages`], [`text_stream`]: a stream as text; [`lines`], [`events`] and [`array`]: its forms. [`accept`]: which of them a client
//!    accepts.
//! 7. [`caller`]: what a response needs of its request. [`response`]: chooses its form.
//! 8. [`service`]: translates calls.

mod accept;
mod allowed_origins;
mod array;
mod caller;
mod details;
mod encodings;
mod end_stream;
mod error;
mod events;
mod get_request;
mod json_text;
mod lines;
mod message_body;
mod messages;
mod names;
mod not_a_call;
mod query_fields;
mod request_head;
mod response;
mod response_head;
mod service;
mod text_stream;
mod unary;

pub(crate) use allowed_origins::AllowedOrigins;
pub(crate) use error::{ConnectError, error_response};
pub(crate) use service::ConnectService;
