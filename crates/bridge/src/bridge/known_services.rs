//! The services that a bridge hosts and forwards.

use http::Request;

use super::classify::GrpcDetection;
use crate::hosted_services::HostedServices;
use crate::safe_methods::SafeMethods;
#[cfg(feature = "upstream")]
use crate::upstream::{Route, Routes};

/// The services that a bridge hosts and forwards.
#[derive(Debug)]
pub(super) struct KnownServices {
    pub(super) hosted: HostedServices,
    #[cfg(feature = "upstream")]
    pub(super) upstreams: Routes,
    pub(super) detection: GrpcDetection,
    pub(super) safe_methods: SafeMethods,
}

impl KnownServices {
    /// Returns how gRPC requests are told from others.
    pub(super) fn detection(&self) -> GrpcDetection {
        self.detection
    }

    /// Tells whether a request to this service is meant as a call, whatever else it looks like. A catch-all upstream may have any
    /// service, but a page is requested with GET, so only POST counts then, and GET to methods that may be called with it.
    #[cfg_attr(not(feature = "upstream"), allow(unused_variables))]
    pub(super) fn is_for_known_service<B>(&self, service: &str, request: &Request<B>) -> bool {
        let is_known = self.hosted.contains(service);
        #[cfg(feature = "upstream")]
        let is_known = is_known
            || self.upstreams.is_named(service)
            || (self.upstreams.has_catch_all()
                && (*request.method() == http::Method::POST
                    || self.safe_methods.contains(request.uri().path())));
        is_known
    }

    /// Returns where a request to this service is forwarded to, if the service is not hosted.
    #[cfg(feature = "upstream")]
    pub(super) fn route(&self, service: &str) -> Option<Route> {
        // Asked first, since it costs nothing where there are no upstreams.
        let route = self.upstreams.find(service)?;
        (!self.hosted.contains(service)).then_some(route)
    }

    /// Returns the paths of the services, as axum writes them, or `None` if any service may be called.
    #[cfg(feature = "axum")]
    #[cfg_attr(not(feature = "upstream"), allow(clippy::unnecessary_wraps))]
    pub(super) fn paths(&self) -> Option<std::collections::BTreeSet<String>> {
        let paths = self.hosted.names().map(|service| format!("/{service}/{{method}}"));
        #[cfg(feature = "upstream")]
        if self.upstreams.has_catch_all() {
            return None;
        }
        #[cfg(feature = "upstream")]
        let paths = paths.chain(
            // A name is that of a service, or that of a package.
            self.upstreams
                .names()
                .flat_map(|name| [format!("/{name}/{{method}}"), format!("/{name}.{{service}}/{{method}}")]),
        );
        Some(paths.collect())
    }
}
