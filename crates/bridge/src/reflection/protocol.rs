//! The names of the reflection protocol.

use http::uri::PathAndQuery;

/// The name of the service.
pub(super) const V1: &str = "grpc.reflection.v1.ServerReflection";

/// Both names of the service. Older servers and clients know only the second.
pub(super) const NAMES: [&str; 2] = [V1, "grpc.reflection.v1alpha.ServerReflection"];

/// The name of its one method.
pub(super) const METHOD: &str = "ServerReflectionInfo";

/// The paths of the method.
pub(crate) const V1_PATH: PathAndQuery =
    PathAndQuery::from_static("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
pub(crate) const V1ALPHA_PATH: PathAndQuery =
    PathAndQuery::from_static("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
