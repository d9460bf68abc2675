//! The contracts of the sample services of the program `drawbridge`: one module for each `.proto` file, with messages, a
//! client over any transport, and the server's trait, for native targets and for WASM.
//!
//! Read [`message`] first: it is the smallest.
//!
//! ```
//! use drawbridge_proto::greet::HelloRequest;
//!
//! let request = HelloRequest { name: "ada".to_owned() };
//! # let _ = request;
//! ```

/// `message.proto`: a stream that its caller can cancel. It has no protobuf package.
pub mod message {
    #![allow(missing_docs, unreachable_pub, clippy::pedantic)]
    include!(concat!(env!("OUT_DIR"), "/_.rs"));
}

/// `greet.proto`: one greeting, or one per second.
pub mod greet {
    #![allow(missing_docs, unreachable_pub, clippy::pedantic)]
    tonic::include_proto!("greet");
}

/// `user.proto`: the user directory as a service.
pub mod user {
    #![allow(missing_docs, unreachable_pub, clippy::pedantic)]
    tonic::include_proto!("user");
}

/// `frontend.proto`: a service that calls the user service.
pub mod frontend {
    #![allow(missing_docs, unreachable_pub, clippy::pedantic)]
    tonic::include_proto!("frontend");
}

/// The encoded `FileDescriptorSet` of all contracts, for reflection, and for servers that check the kinds of methods.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
