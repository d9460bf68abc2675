//! The library as its users see it: each promise over its public API.

mod body;
mod bridge;
mod calls;
mod runtimes;
mod support;
mod tracing;
