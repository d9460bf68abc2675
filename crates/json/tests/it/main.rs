//! The translation, with contracts that are compiled here. Protobuf's own suite is `cargo xtask conformance json`.

// Helpers are outside of tests to clippy; numbers are cut on purpose.
#![allow(clippy::cast_possible_truncation, clippy::unwrap_used)]

mod contracts;
mod damage;
mod differential;
mod from_wire;
mod hostile;
mod http_rule;
mod openapi;
mod schema;
mod to_wire;
