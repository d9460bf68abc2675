//! Browser clients that others wrote, unmodified: connect-web, and the official grpc-web in both of its formats.
//!
//! `clients.js` puts the same questions to each; esbuild bundles it, and the test asks it in a real browser. `cargo xtask
//! conformance clients` runs all of it.
