//! A tonic transport for browsers: gRPC-Web over `fetch`.
