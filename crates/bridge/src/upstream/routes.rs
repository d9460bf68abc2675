//! Which upstream takes a call.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::Upstream;
use super::pool::Pool;
use super::service_pattern::{ServicePattern, is_within};

/// Packages of administrative services, which reveal or change the state of a server. A catch-all does not forward them.
const ADMINISTRATIVE: [&str; 5] = ["grpc.channelz", "grpc.reflection", "grpc.admin", "envoy", "drawbridge"];

/// Where a call that is not hosted goes, as an extension of the request.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// To these servers.
    To(Arc<Pool>),
    /// Nowhere: the service is administrative, and no upstream exposes it.
    NotExposed,
}

/// All upstreams of a bridge.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    /// By the name of a service or package, longest name first.
    named: Vec<(String, Arc<Pool>)>,
    catch_all: Option<Arc<Pool>>,
    exposed: Vec<ServicePattern>,
}

impl Routes {
    /// Creates the routes of a bridge on one thread.
    pub(crate) fn new(upstreams: &[Upstream], exposed: &[ServicePattern]) -> Self {
        Self::for_threads(upstreams, exposed, 1).pop().unwrap_or_default()
    }

    /// Creates the routes of each of this many threads: the same ones, over connections of the thread's own.
    pub(crate) fn for_threads(
        upstreams: &[Upstream],
        exposed: &[ServicePattern],
        threads: usize,
    ) -> Vec<Self> {
        let mut by_name: BTreeMap<Option<&str>, Vec<&Upstream>> = BTreeMap::new();
        for upstream in upstreams {
            by_name.entry(upstream.service.as_deref()).or_default().push(upstream);
        }
        let mut all = vec![Self { exposed: exposed.to_vec(), ..Self::default() }; threads];
        for (name, upstreams) in by_name {
            for (routes, pool) in all.iter_mut().zip(Pool::for_threads(&upstreams, threads)) {
                match name {
                    Some(name) => routes.named.push((name.to_owned(), pool)),
                    None => routes.catch_all = Some(pool),
                }
            }
        }
        for routes in &mut all {
            routes.named.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        }
        all
    }

    /// Returns where the calls of a service go, or `None` if no upstream takes them.
    pub(crate) fn find(&self, service: &str) -> Option<Route> {
        if let Some(pool) = self.named(service) {
            return Some(Route::To(Arc::clone(pool)));
        }
        let pool = self.catch_all.as_ref()?;
        let is_administrative = ADMINISTRATIVE.iter().any(|package| is_within(service, package));
        let not_exposed = is_administrative && !self.is_exposed(service);
        Some(if not_exposed { Route::NotExposed } else { Route::To(Arc::clone(pool)) })
    }

    /// Returns whether an upstream is named for a service or its package.
    pub(crate) fn is_named(&self, service: &str) -> bool {
        self.named(service).is_some()
    }

    /// Returns the services and packages that upstreams are named for.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the pools of all upstreams, that of the catch-all last.
    pub(crate) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.named.iter().map(|(_, pool)| pool).chain(&self.catch_all)
    }

    /// Returns whether there are upstreams, none is named for the service, and the service is exposed.
    pub(crate) fn exposes(&self, service: &str) -> bool {
        self.pools().next().is_some() && !self.is_named(service) && self.is_exposed(service)
    }

    /// Returns whether there is a catch-all.
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

    /// Returns the administrative packages that the catch-all does not forward, and the patterns that are exposed. Both are
    /// empty without a catch-all.
    #[cfg(feature = "console")]
    pub(crate) fn administrative(&self) -> (Vec<String>, Vec<String>) {
        if !self.has_catch_all() {
            return (Vec::new(), Vec::new());
        }
        let exposed = self.exposed.iter().map(ToString::to_string).collect();
        (ADMINISTRATIVE.map(str::to_owned).to_vec(), exposed)
    }

    fn named(&self, service: &str) -> Option<&Arc<Pool>> {
        self.named.iter().find(|(name, _)| is_within(service, name)).map(|(_, pool)| pool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::PoolOptions;

    fn routes(upstreams: &[&str], exposed: &[&str]) -> Routes {
        let upstreams: Vec<_> = upstreams.iter().map(|text| text.parse().unwrap()).collect();
        let exposed: Vec<_> = exposed.iter().map(|text| text.parse().unwrap()).collect();
        Routes::new(&upstreams, &exposed)
    }

    fn target(routes: &Routes, service: &str) -> String {
        match routes.find(service) {
            Some(Route::To(pool)) => pool.to_string(),
            Some(Route::NotExposed) => "not exposed".to_owned(),
            None => "none".to_owned(),
        }
    }

    #[test]
    fn threads_share_pools_only_where_an_upstream_takes_fewer_connections_than_there_are_threads() {
        let pools = |connections: [usize; 2], threads: usize| {
            let upstreams = connections.map(|connections| {
                let options = PoolOptions::new().with_max_connections(connections);
                Upstream::new("http://localhost").unwrap().pool(options)
            });
            let all = Routes::for_threads(&upstreams, &[], threads);
            all.iter().filter_map(|routes| routes.catch_all.clone()).collect::<Vec<_>>()
        };
        let connections =
            |pools: &[Arc<Pool>]| pools.iter().map(|pool| pool.max_connections()).collect::<Vec<_>>();
        let own = pools([200, 7], 3);
        assert_eq!(connections(&own), [67, 67, 66]);
        assert!(!Arc::ptr_eq(&own[0], &own[1]));
        let shared = pools([2, 200], 3);
        assert_eq!(connections(&shared), [100, 100, 100]);
        assert!(Arc::ptr_eq(&shared[0], &shared[2]) && !Arc::ptr_eq(&shared[0], &shared[1]));
    }

    #[test]
    fn the_longest_name_wins_and_the_catch_all_takes_the_rest() {
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
            assert_eq!(target(&routes, service), name, "{service}");
        }
    }

    #[test]
    fn without_a_catch_all_other_services_have_no_route() {
        let routes = routes(&["a=http://a"], &["*"]);
        assert_eq!(target(&routes, "b.C"), "none");
        assert_eq!(target(&routes, "grpc.reflection.v1.ServerReflection"), "none");
    }

    #[test]
    fn a_catch_all_takes_administrative_services_only_if_they_are_exposed() {
        const CHANNELZ: &str = "grpc.channelz.v1.Channelz";
        const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";
        for (exposed, forwarded) in [
            (vec![], vec![]),
            (vec![REFLECTION], vec![REFLECTION]),
            (vec!["grpc.channelz.*"], vec![CHANNELZ]),
            (vec!["grpc.channelz.*", "grpc.reflection.v1.*"], vec![CHANNELZ, REFLECTION]),
            (vec!["*"], vec![CHANNELZ, REFLECTION, "envoy.admin.v3.Admin", "grpc.admin.A", "drawbridge.a.B"]),
            (vec!["grpc.channelz"], vec![]),
        ] {
            let routes = routes(&["http://rest"], &exposed);
            for service in [CHANNELZ, REFLECTION, "envoy.admin.v3.Admin", "grpc.admin.A", "drawbridge.a.B"] {
                let expected = if forwarded.contains(&service) { "rest" } else { "not exposed" };
                assert_eq!(target(&routes, service), expected, "{service}, {exposed:?}");
            }
        }
        let named = routes(&["http://rest", "grpc.reflection=http://named"], &[]);
        assert_eq!(target(&named, REFLECTION), "named");
        assert_eq!(target(&named, "envoyage.Trip"), "rest");
    }
}
