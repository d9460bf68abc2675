//! Calls over plain HTTP, by the option `google.api.http` of methods
//! ([`google/api/http.proto`](https://github.com/googleapis/googleapis/blob/master/google/api/http.proto)).
//!
//! [`HttpRule::of`] reads the bindings of a method, [`HttpRoutes`] finds the one of a request, and
//! [`text_to_wire`](crate::text_to_wire) writes the fields of path and query.

mod routes;
mod rule;
mod template;

pub use routes::{HttpConflict, HttpMatch, HttpRoutes};
pub use rule::{HttpBody, HttpRule, HttpRuleError};
pub use template::{PathTemplate, TemplateError};
