//! Each example on real sockets, in a file of the example's name.

// An unwrap that panics is a test that fails.
#![allow(clippy::unwrap_used)]

mod only_calls;
mod only_client;
mod only_forwarding;
mod only_grpc_web;
mod only_serve;
mod own_auth;
mod own_cors;
mod own_routes;
mod own_shutdown;
mod own_threads;
mod own_tls;
mod support;
