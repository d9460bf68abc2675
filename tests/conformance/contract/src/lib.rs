//! The contracts of connectrpc's conformance suite: its service, and the messages between the runner and programs under test.

pub mod metadata;
pub mod pipe;

/// The package `connectrpc.conformance.v1`.
pub mod v1 {
    #![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, rustdoc::all)]
    tonic::include_proto!("connectrpc.conformance.v1");
}

/// `google.rpc.Status`, the content of `grpc-status-details-bin`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RpcStatus {
    /// The status code.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// The status message.
    #[prost(string, tag = "2")]
    pub message: String,
    /// The details.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<prost_types::Any>,
}

/// The file with the descriptors of the contracts, as an encoded `FileDescriptorSet`.
pub const DESCRIPTORS: &str = concat!(env!("OUT_DIR"), "/descriptors.bin");

/// The encoded `FileDescriptorSet` of the suite.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
