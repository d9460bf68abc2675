//! The option `google.api.http` of a method.

use std::fmt;

use prost::Message as _;

use super::template::{PathTemplate, TemplateError};
use crate::schema::Method;

/// How a method is called over plain HTTP: one binding of its option `google.api.http`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpRule {
    /// The HTTP method, such as `GET`.
    pub method: Box<str>,
    /// The path.
    pub template: PathTemplate,
    /// What of the request is in the body.
    pub body: HttpBody,
    /// The field of the response that is the body, or all of the response.
    pub response_body: Option<Box<str>>,
}

/// What of a request is in the body. What is neither in the path nor in the body is in the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpBody {
    /// Nothing.
    None,
    /// All that is not in the path: `body: "*"`.
    All,
    /// This field.
    Field(Box<str>),
}

/// A method's option `google.api.http` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRuleError {
    path: Box<str>,
    reason: String,
}

impl fmt::Display for HttpRuleError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the option google.api.http of {}: {}", self.path, self.reason)
    }
}

impl std::error::Error for HttpRuleError {}

/// `google.api.HttpRule`.
#[derive(Clone, PartialEq, prost::Message)]
struct Wire {
    #[prost(string, optional, tag = "2")]
    get: Option<String>,
    #[prost(string, optional, tag = "3")]
    put: Option<String>,
    #[prost(string, optional, tag = "4")]
    post: Option<String>,
    #[prost(string, optional, tag = "5")]
    delete: Option<String>,
    #[prost(string, optional, tag = "6")]
    patch: Option<String>,
    #[prost(string, tag = "7")]
    body: String,
    #[prost(message, optional, tag = "8")]
    custom: Option<Custom>,
    #[prost(message, repeated, tag = "11")]
    additional_bindings: Vec<Wire>,
    #[prost(string, tag = "12")]
    response_body: String,
}

/// `google.api.CustomHttpPattern`.
#[derive(Clone, PartialEq, prost::Message)]
struct Custom {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    path: String,
}

impl HttpRule {
    /// Returns the bindings of a method, the first one first. There are none if it has no option `google.api.http`.
    ///
    /// # Errors
    ///
    /// Returns an error if the option cannot be decoded, a path is malformed, or a field is not one of the request's or response's.
    pub fn of(method: &Method) -> Result<Vec<Self>, HttpRuleError> {
        let fault = |reason| HttpRuleError { path: method.path.clone(), reason };
        if method.http.is_empty() {
            return Ok(Vec::new());
        }
        let first = Wire::decode(&*method.http).map_err(|error| fault(error.to_string()))?;
        let additional = first.additional_bindings.clone();
        std::iter::once(first).chain(additional).map(|wire| Self::read(method, wire).map_err(fault)).collect()
    }

    fn read(method: &Method, wire: Wire) -> Result<Self, String> {
        let Wire { get, put, post, delete, patch, custom, .. } = wire;
        let custom = custom.map(|custom| (custom.kind, custom.path));
        let patterns = [("GET", get), ("PUT", put), ("POST", post), ("DELETE", delete), ("PATCH", patch)];
        let pattern = patterns.into_iter().find_map(|(name, path)| Some((name.to_owned(), path?)));
        let (verb, path) = pattern.or(custom).ok_or_else(|| "it has no path".to_owned())?;
        let template = PathTemplate::parse(&path).map_err(|error: TemplateError| error.to_string())?;
        for field in template.fields() {
            if !method.input.has_field(field) {
                return Err(format!("`{}` has no field \"{field}\"", method.input.full_name()));
            }
        }
        let body = match &*wire.body {
            "" => HttpBody::None,
            "*" => HttpBody::All,
            field if method.input.has_field(field) => HttpBody::Field(field.into()),
            field => return Err(format!("`{}` has no field \"{field}\"", method.input.full_name())),
        };
        let response_body = match &*wire.response_body {
            "" => None,
            field if method.output.has_field(field) => Some(field.into()),
            field => return Err(format!("`{}` has no field \"{field}\"", method.output.full_name())),
        };
        Ok(Self { method: verb.into(), template, body, response_body })
    }
}
