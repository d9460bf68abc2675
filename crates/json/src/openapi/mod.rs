//! [OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.0) of what can be called with JSON.

mod document;
mod schemas;
mod writer;

pub use document::openapi;
