//! The contract of the console (`calls.proto`, package `drawbridge.calls.v1`), which lists and ends the calls of a server:
//! messages, a client over any transport, and the server's trait, for native targets and for WASM.
//!
//! ```
//! use drawbridge_calls_proto::CancelRequest;
//!
//! let request = CancelRequest { call_id: "92e6…".to_owned(), message: "runs for too long".to_owned() };
//! # let _ = request;
//! ```

#![allow(missing_docs, unreachable_pub, clippy::pedantic)]

tonic::include_proto!("drawbridge.calls.v1");

/// The encoded `FileDescriptorSet` of the contract, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
