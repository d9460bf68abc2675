//! What stands between a connection and a call: each file holds one rule of the way in.
//!
//! In the order in which a request meets them:
//!
//! 1. [`door`]: whose the request is. [`host`] knows whose name it was sent to, [`classify`] whether it is gRPC, the
//!    page, or neither.
//!    Others are told in [`arrival`] what was found.
//! 2. [`read_on`]: what becomes of a request whose answer does not wait for its end.
//! 3. [`cors`]: which other origins may call.
//! 4. [`web`]: translates between gRPC-Web and gRPC. [`content_type`] knows which of gRPC's three forms is spoken, [`text`]
//!    how the text form becomes the binary one on its way in, and [`web_body`] what becomes of an answer on its way out.
//! 5. [`request_rules`]: what the messages to a hosted service must keep to, whatever the form. [`frames`] reads them as
//!    they pass.

pub(crate) mod arrival;
pub(crate) mod classify;
pub(crate) mod content_type;
pub(crate) mod cors;
pub(crate) mod door;
pub(crate) mod frames;
pub(crate) mod host;
pub(crate) mod read_on;
pub(crate) mod request_rules;
pub(crate) mod text;
pub(crate) mod web;
pub(crate) mod web_body;
