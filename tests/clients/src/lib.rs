//! Tests with other clients for browsers: connect-web with gRPC-Web, with Connect and with its JSON, the
//! official grpc-web in both of its formats, and the browser's own `EventSource`.
//!
//! `clients.js` gives them one interface; esbuild bundles it, and the test runs it in a browser. `cargo xtask conformance
//! clients` runs the test.
