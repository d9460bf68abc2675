//! The library as its users see it: each promise over its public API.

// A test panics if it cannot continue.
#![allow(clippy::unwrap_used)]

mod body;
mod bridge;
mod calls;
#[cfg(feature = "json")]
mod json;
mod runtimes;
mod support;
