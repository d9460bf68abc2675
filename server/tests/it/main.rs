//! The server over real sockets.
//!
//! Read [`support`] first: a server on a free port, the probe that it hosts, and a client for each form of gRPC over each
//! version of HTTP.

// A test exports nothing, and an unwrap that panics fails the test.
#![allow(unreachable_pub, clippy::unwrap_used)]

mod bad_json;
mod book;
mod bystander;
mod cancellation;
mod child_deadline;
mod connect;
mod connect_get;
mod connect_streams;
mod connections;
mod console;
mod console_access;
mod console_forwarded;
mod console_hops;
mod context;
mod cors;
mod cut_responses;
mod deadline;
mod forward_life;
mod forward_routes;
mod forwarding;
mod health;
mod limits;
mod logging;
mod page;
mod program;
mod propagation;
mod protocols;
mod reflection;
mod reflection_upstreams;
mod refusals;
mod rolling;
mod shutdown;
mod slow_readers;
mod smuggling;
mod soak;
mod stalled;
mod storm;
mod support;
mod threads;
mod tls;
mod upstream_faults;
mod upstream_pool;
mod upstream_process;
mod upstream_retries;
mod upstream_retry_ends;
mod upstream_storms;
mod upstream_unreachable;
mod upstream_vanishes;
mod users;
mod wire_rules;
