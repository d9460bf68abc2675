//! From the wire to JSON.

mod dynamic;
mod error;
mod from_wire;
mod message;
mod occurrences;
mod options;
mod parts;
mod printer;
mod scalar;
mod well_known;

pub use error::WireError;
pub use from_wire::from_wire;
pub use options::PrintOptions;
