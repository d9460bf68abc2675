//! Server reflection for hosted and forwarded services together.
//!
//! A catch-all upstream would answer for its own services only, and a hosted reflection service for the hosted ones. Where
//! reflection is exposed, this service replaces both. It speaks `v1` and `v1alpha`, which are one protocol under two names.
//!
//! A module uses only modules above it in this list:
//!
//! 1. [`protocol`]: the two names of the protocol.
//! 2. [`descriptors`]: the descriptors of hosted services.
//! 3. [`source`]: what can be asked: the hosted services, or an upstream. [`sources`]: which one has a symbol.
//! 4. [`session`]: one stream of requests.
//! 5. [`service`]: the service, under its names.

mod descriptors;
mod protocol;
mod service;
mod session;
mod source;
mod sources;

#[cfg(feature = "json")]
pub(crate) use protocol::{V1_PATH, V1ALPHA_PATH};
pub(crate) use service::Reflection;
