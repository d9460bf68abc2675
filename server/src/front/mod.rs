//! What stands between a connection and a call: each file holds one rule of the way in.
//!
//! In the order in which a request meets them:
//!
//! 1. [`host`]: whose name the request was sent to.
//! 2. [`classify`]: whether it is gRPC, the page, or neither.
//! 3. [`read_on`]: what becomes of a request whose answer does not wait for its end.
//! 4. [`cors`]: which other origins may call.
//! 5. [`content_type`]: which of gRPC's three forms it speaks; tonic-web translates two of them right behind it.
//! 6. [`text`]: how the text form becomes the binary one on its way in.
//! 7. [`request_rules`]: what its messages must keep to, whatever the form. [`frames`] reads them as they pass.

pub(crate) mod classify;
pub(crate) mod content_type;
pub(crate) mod cors;
pub(crate) mod frames;
pub(crate) mod host;
pub(crate) mod read_on;
pub(crate) mod request_rules;
pub(crate) mod text;
