//! The code in the README, compiled as it stands there: `cargo test --doc --package drawbridge-readme`.
//!
//! It speaks of the server and of the page's transport, and no crate that knows the one knows the other.

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
