//! The services through tonic-web, over real sockets.

// An unwrap that panics is a test that fails.
#![allow(clippy::unwrap_used)]

mod calls;
mod page;
mod promises;
mod wire;
