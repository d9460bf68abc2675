//! Which call goes to which upstream, and which goes to none.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::config::Upstream;
use super::pool::Pool;
use drawbridge_core::path::is_name;

/// Services that tell or change more of a server than its callers have to know. A catch-all does not open them.
const CLOSED: [&str; 5] = ["grpc.channelz", "grpc.reflection", "grpc.admin", "envoy", "drawbridge"];

/// Where a call that is not hosted goes: what [`Routes`] has decided, as an extension of the request.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// To these servers.
    To(Arc<Pool>),
    /// Nowhere: the service is none that a catch-all opens.
    Closed,
}

/// All upstreams of a bridge.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    /// By the name of a service or package, the longest first.
    named: Vec<(String, Arc<Pool>)>,
    catch_all: Option<Arc<Pool>>,
    exposed: Vec<ServicePattern>,
}

impl Routes {
    pub(crate) fn new(upstreams: Vec<Upstream>, exposed: Vec<ServicePattern>) -> Self {
        let mut by_name: BTreeMap<Option<String>, Vec<Upstream>> = BTreeMap::new();
        for upstream in upstreams {
            by_name.entry(upstream.service.clone()).or_default().push(upstream);
        }
        let mut routes = Self { exposed, ..Self::default() };
        for (name, upstreams) in by_name {
            let pool = Pool::new(upstreams);
            match name {
                Some(name) => routes.named.push((name, pool)),
                None => routes.catch_all = Some(pool),
            }
        }
        routes.named.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        routes
    }

    /// Returns where the calls of a service go, or `None` where nobody takes them.
    pub(crate) fn find(&self, service: &str) -> Option<Route> {
        if let Some(pool) = self.named(service) {
            return Some(Route::To(Arc::clone(pool)));
        }
        let pool = self.catch_all.as_ref()?;
        let closed = CLOSED.iter().any(|package| is_within(service, package)) && !self.is_exposed(service);
        Some(if closed { Route::Closed } else { Route::To(Arc::clone(pool)) })
    }

    /// Tells whether a service was named, or its package.
    pub(crate) fn is_named(&self, service: &str) -> bool {
        self.named(service).is_some()
    }

    /// Returns the services and packages that were named.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the pools of all upstreams, that of the one without a name last.
    pub(crate) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.named.iter().map(|(_, pool)| pool).chain(&self.catch_all)
    }

    /// Tells whether there are upstreams, and a service is exposed that none of them was named for.
    pub(crate) fn exposes(&self, service: &str) -> bool {
        self.pools().next().is_some() && !self.is_named(service) && self.is_exposed(service)
    }

    /// Tells whether there is an upstream for what nobody else takes.
    pub(crate) fn has_catch_all(&self) -> bool {
        self.catch_all.is_some()
    }

    fn is_exposed(&self, service: &str) -> bool {
        self.exposed.iter().any(|exposed| exposed.matches(service))
    }

    /// Returns the name and the addresses of each upstream, in the order in which they are matched: longest name first, the
    /// catch-all without a name last.
    #[cfg(feature = "console")]
    pub(crate) fn targets(&self) -> impl Iterator<Item = (Option<&str>, &[Box<str>])> {
        let named = self.named.iter().map(|(name, pool)| (Some(name.as_str()), pool));
        named
            .chain(self.catch_all.iter().map(|pool| (None, pool)))
            .map(|(name, pool)| (name, &**pool.names()))
    }

    /// Returns the packages that a catch-all keeps closed, and what of them is exposed. Without one there is nothing to
    /// keep closed.
    #[cfg(feature = "console")]
    pub(crate) fn closed(&self) -> (Vec<String>, Vec<String>) {
        if !self.has_catch_all() {
            return (Vec::new(), Vec::new());
        }
        let exposed = self.exposed.iter().map(ToString::to_string).collect();
        (CLOSED.map(str::to_owned).to_vec(), exposed)
    }

    fn named(&self, service: &str) -> Option<&Arc<Pool>> {
        self.named.iter().find(|(name, _)| is_within(service, name)).map(|(_, pool)| pool)
    }
}

/// Tells whether a service has this name, or is in the package of this name or below.
pub(super) fn is_within(service: &str, name: &str) -> bool {
    service.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A pattern of services that a catch-all upstream opens although it would not by itself: the name of a service, as
/// `grpc.reflection.v1.ServerReflection`, all of a package, as `grpc.reflection.*`, or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePattern(Pattern);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    All,
    Package(String),
    Service(String),
}

/// The text is no pattern of services.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a pattern of services: expected a name such as grpc.reflection.v1.ServerReflection, a package such as grpc.reflection.*, or *"
)]
pub struct ParseServicePatternError(String);

impl ServicePattern {
    fn matches(&self, service: &str) -> bool {
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

    fn routes(upstreams: &[&str], exposed: &[&str]) -> Routes {
        let upstreams = upstreams.iter().map(|text| text.parse().unwrap()).collect();
        Routes::new(upstreams, exposed.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn to(routes: &Routes, service: &str) -> String {
        match routes.find(service) {
            Some(Route::To(pool)) => pool.to_string(),
            Some(Route::Closed) => "closed".to_owned(),
            None => "none".to_owned(),
        }
    }

    #[test]
    fn the_longest_name_wins_and_the_rest_goes_to_the_one_without() {
        let routes = routes(&["http://rest", "a.b=http://ab", "a=http://a", "a.b.C=http://abc"], &[]);
        for (service, name) in [
            ("a.b.C", "abc"),
            ("a.b.C.D", "abc"),
            ("a.b.CD", "ab"),
            ("a.b", "ab"),
            ("a.C", "a"),
            ("ab.C", "rest"),
            ("grpc.health.v1.Health", "rest"),
        ] {
            assert_eq!(to(&routes, service), name, "{service}");
        }
    }

    #[test]
    fn without_a_catch_all_nobody_takes_the_rest() {
        let routes = routes(&["a=http://a"], &["*"]);
        assert_eq!(to(&routes, "b.C"), "none");
        assert_eq!(to(&routes, "grpc.reflection.v1.ServerReflection"), "none");
    }

    #[test]
    fn a_catch_all_keeps_admin_services_closed_unless_they_are_named() {
        const CHANNELZ: &str = "grpc.channelz.v1.Channelz";
        const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";
        for (exposed, open) in [
            (vec![], vec![]),
            (vec![REFLECTION], vec![REFLECTION]),
            (vec!["grpc.channelz.*"], vec![CHANNELZ]),
            (vec!["grpc.channelz.*", "grpc.reflection.v1.*"], vec![CHANNELZ, REFLECTION]),
            (vec!["*"], vec![CHANNELZ, REFLECTION, "envoy.admin.v3.Admin", "grpc.admin.A", "drawbridge.a.B"]),
            (vec!["grpc.channelz"], vec![]),
        ] {
            let routes = routes(&["http://rest"], &exposed);
            for service in [CHANNELZ, REFLECTION, "envoy.admin.v3.Admin", "grpc.admin.A", "drawbridge.a.B"] {
                let expected = if open.contains(&service) { "rest" } else { "closed" };
                assert_eq!(to(&routes, service), expected, "{service}, {exposed:?}");
            }
        }
        let named = routes(&["http://rest", "grpc.reflection=http://named"], &[]);
        assert_eq!(to(&named, REFLECTION), "named");
        assert_eq!(to(&named, "envoyage.Trip"), "rest");
    }

    #[test]
    fn a_pattern_is_written_as_it_is_read() {
        for text in ["*", "grpc.reflection.*", "grpc.reflection.v1.ServerReflection"] {
            assert_eq!(text.parse::<ServicePattern>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn only_a_pattern_is_a_pattern() {
        for text in ["", "*.a", "a.*.b", "a*", ".*", "a..*", "a b"] {
            assert!(text.parse::<ServicePattern>().is_err(), "{text}");
        }
    }
}
