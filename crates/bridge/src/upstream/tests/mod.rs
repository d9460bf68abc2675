//! Calls through a whole bridge to upstreams in memory, in paused time: nothing depends on how fast the machine is.

// An unwrap that panics fails the test.
#![allow(clippy::unwrap_used)]

mod balance;
mod keepalive;
mod names;
mod resets;
mod sim;
mod unreachable;
