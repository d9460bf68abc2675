//! The translation, with contracts that are compiled here. Protobuf's own suite is `cargo xtask conformance json`.

mod contracts;
mod from_wire;
mod hostile;
mod schema;
mod to_wire;
