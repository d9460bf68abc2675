//! Patterns of methods.

use std::fmt;
use std::str::FromStr;

use drawbridge_core::path::is_name;

/// A pattern of methods: one method, such as `shop.Catalog/List`; all methods of a service, such as `shop.Catalog`; those of a package and
/// the packages below it, such as `shop.*`; or all, `*`. Parse it from text.
///
/// ```
/// use drawbridge::{Bridge, MethodPattern, Upstream};
///
/// let bridge = Bridge::new()
///     .upstream("http://127.0.0.1:50051".parse::<Upstream>()?)
///     .allow_get(["shop.Catalog/List".parse::<MethodPattern>()?]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodPattern(Pattern);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    All,
    Package(String),
    Service(String),
    /// A service and a method, with a slash between them.
    Method(String),
}

/// The text is not a [`MethodPattern`].
///
/// ```
/// let error = "shop.*/List".parse::<drawbridge::MethodPattern>().unwrap_err();
/// assert!(error.to_string().contains("shop.Catalog/List"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a method pattern: expected a method such as shop.Catalog/List, a service such as shop.Catalog, a package such as shop.*, or *"
)]
pub struct ParseMethodPatternError(String);

impl MethodPattern {
    /// Returns whether the pattern covers the method with this path, such as `/shop.Catalog/List`.
    pub(crate) fn covers(&self, path: &str) -> bool {
        let Some((service, _)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) else {
            return false;
        };
        match &self.0 {
            Pattern::All => true,
            Pattern::Package(package) => {
                service.strip_prefix(package.as_str()).is_some_and(|rest| rest.starts_with('.'))
            }
            Pattern::Service(name) => service == name,
            Pattern::Method(name) => &path[1..] == name,
        }
    }
}

impl fmt::Display for MethodPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::All => f.write_str("*"),
            Pattern::Package(package) => write!(f, "{package}.*"),
            Pattern::Service(name) | Pattern::Method(name) => f.write_str(name),
        }
    }
}

impl FromStr for MethodPattern {
    type Err = ParseMethodPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || ParseMethodPatternError(text.to_owned());
        if text == "*" {
            return Ok(Self(Pattern::All));
        }
        if let Some(package) = text.strip_suffix(".*") {
            return if is_name(package) {
                Ok(Self(Pattern::Package(package.to_owned())))
            } else {
                Err(invalid())
            };
        }
        match text.split_once('/') {
            None if is_name(text) => Ok(Self(Pattern::Service(text.to_owned()))),
            Some((service, method)) if is_name(service) && is_name(method) => {
                Ok(Self(Pattern::Method(text.to_owned())))
            }
            _ => Err(invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_it_names() {
        let paths = [
            "/shop.Catalog/List",
            "/shop.Catalog/Buy",
            "/shop.v1.Catalog/List",
            "/shopping.Cart/List",
            "/",
            "",
        ];
        for (pattern, covered) in [
            ("*", &[0, 1, 2, 3][..]),
            ("shop.*", &[0, 1, 2]),
            ("shop.Catalog", &[0, 1]),
            ("shop.Catalog/List", &[0]),
            ("shop", &[]),
        ] {
            let parsed: MethodPattern = pattern.parse().unwrap();
            let found: Vec<_> = (0..paths.len()).filter(|index| parsed.covers(paths[*index])).collect();
            assert_eq!(found, covered, "{pattern}");
            assert_eq!(parsed.to_string(), pattern);
        }
    }

    #[test]
    fn other_texts_are_no_patterns() {
        for text in [
            "",
            "/",
            "/shop.Catalog/List",
            "shop.Catalog/",
            "shop.*/List",
            "shop.Catalog/*",
            ".*",
            "a/b/c",
            "a b",
        ] {
            let error = text.parse::<MethodPattern>().expect_err(text);
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
