//! Tests with other gRPC-Web clients for browsers: connect-web, and the official grpc-web in both of its formats.
//!
//! `clients.js` gives them one interface; esbuild bundles it, and the test runs it in a browser. `cargo xtask conformance
//! clients` runs the test.
