//! From JSON to the wire.

mod any_types;
mod dynamic;
mod error;
mod lexer;
mod message;
mod number;
mod options;
mod parser;
mod scalar;
mod seen;
mod text_to_wire;
mod to_wire;
mod well_known;

pub use error::JsonError;
pub use options::{ParseOptions, UnknownFields};
pub use text_to_wire::text_to_wire;
pub use to_wire::to_wire;
