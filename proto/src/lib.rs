//! The contracts of the sample services that Drawbridge hosts, as Rust: one module for each `.proto` file, with messages, a client over
//! any transport, and the server's trait. Everything here compiles for native targets and for WASM.
//!
//! Read [`message`] first: it is the smallest.

/// `message.proto`: a stream of progress that ends when its caller leaves. It has no protobuf package.
pub mod message {
    #![allow(missing_docs, unreachable_pub, clippy::pedantic)]
    include!(concat!(env!("OUT_DIR"), "/_.rs"));
}

/// `greet.proto`: one greeting, or a greeting each second.
pub mod greet {
    #![allow(missing_docs, unreachable_pub, clippy::pedantic)]
    tonic::include_proto!("greet");
}

/// `user.proto`: the directory of users, as a service of its own.
pub mod user {
    #![allow(missing_docs, unreachable_pub, clippy::pedantic)]
    tonic::include_proto!("user");
}

/// `frontend.proto`: a service that has its answers from the user service.
pub mod frontend {
    #![allow(missing_docs, unreachable_pub, clippy::pedantic)]
    tonic::include_proto!("frontend");
}

/// The encoded `FileDescriptorSet` of all contracts, for reflection and for what depends on a method's kind.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
