//! Simulations of the pool, of ejection, retries, drain and deadlines: a whole bridge between simulated callers and servers, in
//! paused time, on a network in memory. All that happens follows from a seed.
//!
//! A module uses only modules above it in this list:
//!
//! 1. [`plan`]: what happens, as the seed chooses it. [`world`]: what has happened.
//! 2. [`attempts`]: what a server may see of a call. [`answer`]: how it answers. [`server`]: a server; [`network`]: all of them, and
//!    their names.
//! 3. [`caller`]: a caller. [`checks`]: what must hold. [`run`]: runs a simulation. [`seeds`]: the tests, of many seeds.

mod answer;
mod attempts;
mod caller;
mod checks;
mod network;
mod plan;
mod run;
mod seeds;
mod server;
mod world;
