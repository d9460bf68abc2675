//! What only a browser shows: the page, its streams, and what becomes of them when it is left.
//!
//! The tests are grouped by what the visitor does. Each has a server and a browser of its own, so they run side by side
//! and in any order. Without the parts that `cargo xtask test` builds and names, each fails and says so.

mod calls;
mod deadlines;
mod failing;
mod forwarded;
mod greeting;
mod keyboard;
mod leaving;
mod pictures;
mod receipts;
mod retries;
mod streaming;
mod terms;
mod tonic_web;
mod views;
