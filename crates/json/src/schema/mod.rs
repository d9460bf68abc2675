//! Contracts at run time: files, the features of their editions, and what the translation needs of each message.

mod compile;
mod descriptor;
mod features;
pub(crate) mod kind;
mod message;
mod method;
pub(crate) mod plan;
#[allow(clippy::module_inception)]
mod schema;
mod symbols;
pub(crate) mod types;
pub(crate) mod well_known;

pub(crate) use features::Presence;
pub use message::Message;
pub use method::{Idempotency, Method};
pub use schema::{MethodError, Schema, SchemaError};
