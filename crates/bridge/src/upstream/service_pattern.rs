//! Patterns of services that a catch-all upstream forwards although they are administrative.

use std::fmt;
use std::str::FromStr;

use drawbridge_core::path::is_name;

/// Returns whether a service has this name, or is in the package of this name or in a package below it.
pub(super) fn is_within(service: &str, name: &str) -> bool {
    service.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A pattern of administrative services that a catch-all upstream forwards, which it does not do by default: the name of a
/// service such as `grpc.reflection.v1.ServerReflection`, all services of a package and the packages below it, such as
/// `grpc.reflection.*`, or all, `*`. Parse it from text, and give it to [`Bridge::expose`](crate::Bridge::expose).
///
/// ```
/// use drawbridge::{Bridge, ServicePattern, Upstream};
///
/// let bridge = Bridge::new()
///     .upstream("http://127.0.0.1:50051".parse::<Upstream>()?)
///     .expose(["grpc.reflection.*".parse::<ServicePattern>()?]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePattern(Pattern);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    All,
    Package(String),
    Service(String),
}

/// The text is not a [`ServicePattern`].
///
/// ```
/// let error = "grpc.*.v1".parse::<drawbridge::ServicePattern>().unwrap_err();
/// assert!(error.to_string().contains("grpc.reflection.*"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a service pattern: expected a service such as grpc.reflection.v1.ServerReflection, a package such as grpc.reflection.*, or *"
)]
pub struct ParseServicePatternError(String);

impl ServicePattern {
    pub(super) fn matches(&self, service: &str) -> bool {
        match &self.0 {
            Pattern::All => true,
            Pattern::Package(package) => service != package && is_within(service, package),
            Pattern::Service(name) => service == name,
        }
    }
}

impl fmt::Display for ServicePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::All => f.write_str("*"),
            Pattern::Package(package) => write!(f, "{package}.*"),
            Pattern::Service(name) => f.write_str(name),
        }
    }
}

impl FromStr for ServicePattern {
    type Err = ParseServicePatternError;

    fn from_str(text: &str) -> Result<Self, ParseServicePatternError> {
        let (name, pattern): (_, fn(String) -> Pattern) = match text.strip_suffix(".*") {
            _ if text == "*" => return Ok(Self(Pattern::All)),
            Some(package) => (package, Pattern::Package),
            None => (text, Pattern::Service),
        };
        if is_name(name) {
            Ok(Self(pattern(name.to_owned())))
        } else {
            Err(ParseServicePatternError(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_displayed_as_it_is_parsed() {
        for text in ["*", "grpc.reflection.*", "grpc.reflection.v1.ServerReflection"] {
            assert_eq!(text.parse::<ServicePattern>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_invalid_pattern_is_an_error() {
        for text in ["", "*.a", "a.*.b", "a*", ".*", "a..*", "a b"] {
            assert!(text.parse::<ServicePattern>().is_err(), "{text}");
        }
    }
}
