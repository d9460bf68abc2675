//! The whole stack: services, upstreams and a fallback behind one entry.
//!
//! A module uses only modules above it in this list:
//!
//! 1. [`limits`]: how much a bridge takes on. [`intercept`]: runs interceptors inside of each call. [`drain_request`]: reads what
//!    is left of a request over HTTP/1.1.
//! 2. [`stack`]: the layers that each call passes. `health_checks`: which server answers a health check.
//! 3. [`classify`] tells gRPC from other requests, [`known_services`] knows which services are hosted and forwarded.
//!    [`head`] is what the head of a request says, and [`head_rules`] refuses requests by it.
//! 4. [`ingress`]: the entry. [`future`] is that of its responses.
//! 5. [`builder`]: [`Bridge`] puts them together.

mod builder;
mod classify;
mod drain_request;
mod future;
mod head;
mod head_rules;
#[cfg(all(feature = "descriptors", feature = "upstream"))]
mod health_checks;
mod ingress;
mod intercept;
mod known_services;
mod limits;
mod stack;

pub use builder::Bridge;
#[cfg(feature = "descriptors")]
pub use builder::DescriptorError;
pub use future::BridgeFuture;
pub use ingress::BridgeService;
pub use limits::Limits;
