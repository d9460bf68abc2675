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
    /// A unary call of Connect.
    Connect,
    /// A Connect call with streams of messages.
    ConnectStream,
    /// JSON over HTTP, by a client that speaks no further protocol, such as curl.
    Json,
}

impl Protocol {
    /// Returns the media type without a codec, such as `application/grpc-web`. A unary call of Connect has the media type of its
    /// codec: here that of protobuf.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Grpc => "application/grpc",
            Self::GrpcWeb => "application/grpc-web",
            Self::GrpcWebText => "application/grpc-web-text",
            Self::Connect => "application/proto",
            Self::ConnectStream => "application/connect",
            Self::Json => "application/json",
        }
    }

    /// Returns whether a client of this protocol may stream its request, and pause between two messages for as long as it likes.
    /// Other clients send their request at once.
    pub const fn streams_requests(self) -> bool {
        matches!(self, Self::Grpc | Self::ConnectStream)
    }

    /// Returns whether fields of a JSON message that its type does not have are ignored, as Connect's servers do for the sake of
    /// clients with newer contracts. For other clients they are an error.
    pub const fn ignores_unknown_fields(self) -> bool {
        matches!(self, Self::Connect | Self::ConnectStream)
    }
}

impl fmt::Display for Protocol {
    /// Writes `grpc`, `grpc-web`, `grpc-web-text`, `connect`, `connect-stream` or `json`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grpc => "grpc",
            Self::GrpcWeb => "grpc-web",
            Self::GrpcWebText => "grpc-web-text",
            Self::Connect => "connect",
            Self::ConnectStream => "connect-stream",
            Self::Json => "json",
        })
    }
}
