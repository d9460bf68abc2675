//! The contracts of connectrpc's conformance suite: the service that is hosted or called, and what the runner and the
//! programs under test tell each other.

pub mod metadata;
pub mod pipe;

/// The package `connectrpc.conformance.v1`.
pub mod v1 {
    #![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, rustdoc::all)]
    tonic::include_proto!("connectrpc.conformance.v1");
}

/// `google.rpc.Status`: what travels in `grpc-status-details-bin`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RpcStatus {
    /// The code, once more.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// The message, once more.
    #[prost(string, tag = "2")]
    pub message: String,
    /// What else there is to say.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<prost_types::Any>,
}

/// The encoded `FileDescriptorSet` of the suite.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
