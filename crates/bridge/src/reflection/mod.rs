//! Server reflection that answers for hosted and forwarded services together.
//!
//! A catch-all upstream could answer for itself alone, and what is hosted for itself alone. Where reflection is exposed,
//! this takes the place of both. It speaks `v1` and `v1alpha`, which are one protocol under two names.
//!
//! Read in this order:
//!
//! 1. [`service`]: the service, under its names.
//! 2. [`session`]: one stream of questions: who is asked what, and in which order.
//! 3. [`source`]: one who can be asked: what is hosted here, or an upstream. [`descriptors`] makes the descriptors of the former.

mod descriptors;
mod service;
mod session;
mod source;

pub(crate) use service::Reflection;
