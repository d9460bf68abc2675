//! Calls with JSON messages, to services with protobuf.
//!
//! The layer is inside of the CALL layer: the contract is awaited within the call's deadline, and JSON that is malformed ends the call with a
//! status. The form of the call (Connect, gRPC-Web, gRPC) is outside, so that all of them have JSON.
//!
//! A module uses only modules above it in this list:
//!
//! 1. [`compression`]: compressed messages. [`frames`]: the messages of a body. [`failure`]: how a request that is malformed ends its response.
//! 2. [`request_body`] and [`response_body`]: translate messages.
//! 3. [`descriptor_files`]: contracts from files. [`ask`]: asks an upstream for one. [`upstream_schema`]: when it is asked.
//! 4. [`schemas`]: where the contract of a method is.
//! 5. [`layer`]: translates calls.

mod ask;
mod compression;
mod descriptor_files;
mod failure;
mod frames;
mod layer;
mod request_body;
mod response_body;
mod schemas;
mod upstream_schema;

pub use descriptor_files::{DescriptorFiles, DescriptorFilesError};

pub(crate) use layer::{Json, JsonRules};
pub(crate) use schemas::Schemas;
