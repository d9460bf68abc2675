//! Makes a service of a bridge that is built.

use std::sync::Arc;

use super::Bridge;
use crate::bridge::head_rules::HeadRules;
#[cfg(feature = "cors")]
use crate::bridge::head_rules::refusals;
use crate::bridge::ingress::{BridgeService, Ingress};
use crate::bridge::known_services::KnownServices;
use crate::bridge::stack::{self, Layers};
use crate::call::CallLayer;
#[cfg(feature = "reflection")]
use crate::reflection::Reflection;
#[cfg(feature = "upstream")]
use crate::upstream::{RetryRules, Routes, TrustedProxies};

impl Bridge {
    /// Returns a tower service that answers every request.
    pub fn into_service(mut self) -> BridgeService {
        let calls = CallLayer::with_calls(self.calls()).deadlines(self.deadlines);
        #[cfg(feature = "upstream")]
        let routes = Routes::new(self.upstreams, self.exposed);
        #[cfg(feature = "upstream")]
        let proxies = TrustedProxies::new(self.trusted_proxies);
        #[cfg(feature = "reflection")]
        if let Some(reflection) = Reflection::new(&self.hosted, &self.descriptors, &routes, &proxies) {
            reflection.host(&mut self.hosted);
        }
        #[cfg(all(feature = "console", feature = "upstream"))]
        self.services.set(self.hosted.names(), &routes);
        #[cfg(all(feature = "console", not(feature = "upstream")))]
        self.services.set(self.hosted.names());
        let stack = stack::build(Layers {
            calls,
            interceptors: self.interceptors.into(),
            #[cfg(feature = "upstream")]
            proxies,
            #[cfg(feature = "upstream")]
            retry_rules: RetryRules::new(self.retries),
            kinds: Arc::new(self.kinds),
            max_message_bytes: self.limits.max_message_bytes,
            hosted: self.hosted.clone(),
        });
        BridgeService::new(Ingress {
            head_rules: HeadRules { hosts: self.hosts, max_header_bytes: self.limits.max_header_bytes },
            known: KnownServices {
                hosted: self.hosted,
                #[cfg(feature = "upstream")]
                upstreams: routes,
                detection: self.detection,
            },
            #[cfg(feature = "cors")]
            cross_origin: (!self.without_cors).then(|| stack::behind_cors(stack.clone(), &self.origins)),
            #[cfg(feature = "cors")]
            cross_origin_refusals: (!self.without_cors)
                .then(|| stack::around_with_cors(refusals(), &self.origins)),
            grpc: stack,
            fallback: self.fallback,
        })
    }

    /// Returns an axum router.
    ///
    /// With a [fallback](Bridge::fallback), a catch-all upstream or [`Bridge::fallback_unimplemented`], it answers every
    /// request, and so has a fallback of its own. Otherwise it has routes for its services only, and can be merged with a
    /// router that has others.
    ///
    /// The address of a caller is known if the router is served by [`serve`](crate::serve), or with
    /// `into_make_service_with_connect_info::<SocketAddr>()`.
    #[cfg(feature = "axum")]
    pub fn into_router(self) -> axum::Router {
        let answers_all = self.answers_all;
        let service = self.into_service();
        match service.known().paths() {
            Some(paths) if !answers_all => paths
                .iter()
                .fold(axum::Router::new(), |router, path| router.route_service(path, service.clone())),
            _ => axum::Router::new().fallback_service(service),
        }
    }
}
