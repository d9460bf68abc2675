//! The HTTP side of a call: what a request has to be, and the form in which its caller speaks gRPC.
//!
//! 1. [`host_policy`]: which host names requests may be sent to.
//! 2. `cors`: which origins may call. [`expose_metadata`]: which headers of a response their pages may read.
//! 3. [`layer`]: translates between gRPC-Web and gRPC. [`content_type`] reads which form a request has, [`base64_body`]
//!    decodes the text form, and [`body`] encodes the response.
//! 4. [`request_rules`]: the rules that the messages of a request keep.

mod base64_body;
mod body;
mod content_type;
#[cfg(feature = "cors")]
pub(crate) mod cors;
mod expose_metadata;
mod host_policy;
mod layer;
mod request_rules;

pub use body::GrpcWebBody;
pub use expose_metadata::{ExposeMetadata, ExposeMetadataLayer};
pub use host_policy::HostPolicy;
pub use layer::{GrpcWebFuture, GrpcWebLayer, GrpcWebService};

pub(crate) use content_type::Codecs;
pub(crate) use request_rules::RequestRules;
