#![doc = include_str!("../README.md")]
// Numbers are cut to the width of their type, and signs reinterpreted, as protobuf's encoding defines.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

mod schema;

mod duration;
mod field_mask;
mod path;
mod text;
mod timestamp;
mod wire;

mod parse;
mod print;

pub mod http_rule;
mod openapi;

pub use openapi::openapi;
pub use parse::{JsonError, ParseOptions, UnknownFields, text_to_wire, to_wire};
pub use print::{PrintOptions, WireError, from_wire};
pub use schema::{Idempotency, Message, Method, MethodError, Schema, SchemaError};
