//! Tests with other clients for browsers: connect-web with gRPC-Web and with Connect, and the official grpc-web in both of its
//! formats.
//!
//! `clients.js` gives them one interface; esbuild bundles it, and the test runs it in a browser. `cargo xtask conformance
//! clients` runs the test.
