//! The library `drawbridge` inside a program that has parts of its own. Each module is one topic, complete, to be copied from;
//! its tests, which run it on real sockets, are in `tests/it` under the same name. `examples/axum` is a whole program.
//!
//! A program's own parts around a bridge:
//!
//! 1. [`own_auth`]: authentication, in front of a bridge or inside of its calls.
//! 2. [`own_cors`]: CORS with credentials.
//! 3. [`own_tracing`]: spans, log lines and metrics.
//! 4. [`own_tls`]: client certificates, and listeners other than TCP.
//! 5. [`own_shutdown`]: a grace period for open calls.
//! 6. [`own_threads`]: a bridge on several threads.
//! 7. [`own_routes`]: pages and JSON beside services and a catch-all upstream.
//!
//! Each piece of the library alone:
//!
//! 8. [`only_calls`]: the CALL layer on a tonic server.
//! 9. [`only_grpc_web`]: gRPC-Web and the CALL layer on an axum router.
//! 10. [`only_client`]: deadlines and retries of the calls that a handler makes.
//! 11. [`only_forwarding`]: a proxy without services.
//! 12. [`only_serve`]: the server for a router without gRPC.
//!
//! [`greeter`] is the service that most of them host.

pub mod greeter;
pub mod only_calls;
pub mod only_client;
pub mod only_forwarding;
pub mod only_grpc_web;
pub mod only_serve;
pub mod own_auth;
pub mod own_cors;
pub mod own_routes;
pub mod own_shutdown;
pub mod own_threads;
pub mod own_tls;
pub mod own_tracing;
