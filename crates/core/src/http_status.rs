//! What an HTTP status means where a gRPC one should have been.

use tonic::Code;

/// Returns the code for an HTTP status that came without a gRPC one, as
/// [gRPC maps them](https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md).
pub fn code_of_http(status: u16) -> Code {
    match status {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}
