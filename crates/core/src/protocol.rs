//! The protocols in which a client calls a server.

use std::fmt;

/// The protocol in which a client calls a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// gRPC over HTTP/2.
    #[default]
    Grpc,
    /// gRPC-Web with binary bodies.
    GrpcWeb,
    /// gRPC-Web with base64 bodies (`grpc-web-text`).
    GrpcWebText,
}

impl Protocol {
    /// Returns the media type without a codec, such as `application/grpc-web`.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Grpc => "application/grpc",
            Self::GrpcWeb => "application/grpc-web",
            Self::GrpcWebText => "application/grpc-web-text",
        }
    }
}

impl fmt::Display for Protocol {
    /// Writes `grpc`, `grpc-web` or `grpc-web-text`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grpc => "grpc",
            Self::GrpcWeb => "grpc-web",
            Self::GrpcWebText => "grpc-web-text",
        })
    }
}
