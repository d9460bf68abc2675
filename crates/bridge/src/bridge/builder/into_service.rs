//! Makes a service of a bridge that is built.

use std::sync::Arc;

#[cfg(feature = "cors")]
use futures_util::FutureExt as _;
#[cfg(feature = "cors")]
use hyper::service::Service as HyperService;

use super::Bridge;
use crate::bridge::head_rules::HeadRules;
#[cfg(feature = "cors")]
use crate::bridge::head_rules::refusals;
#[cfg(all(feature = "descriptors", feature = "upstream"))]
use crate::bridge::health_checks::HealthChecks;
#[cfg(feature = "cors")]
use crate::bridge::ingress::CrossOrigin;
use crate::bridge::ingress::{BridgeService, Ingress};
use crate::bridge::known_services::KnownServices;
use crate::bridge::stack::{self, Layers};
#[cfg(feature = "cors")]
use crate::bridge::stack::{ConnectStack, Stack};
use crate::call::{CallLayer, Calls};
use crate::connect::AllowedOrigins;
#[cfg(feature = "json")]
use crate::json::{JsonRules, Schemas};
#[cfg(feature = "reflection")]
use crate::reflection::Reflection;
use crate::safe_methods::SafeMethods;
#[cfg(all(feature = "descriptors", feature = "upstream"))]
use crate::upstream::Forward;
#[cfg(feature = "upstream")]
use crate::upstream::{RetryRules, Routes, TrustedProxies};

impl Bridge {
    /// Returns a tower service that answers every request.
    pub fn into_service(mut self) -> BridgeService {
        let calls = self.calls();
        #[cfg(feature = "upstream")]
        let routes = Routes::new(&self.upstreams, &self.exposed);
        self.service(
            calls,
            #[cfg(feature = "upstream")]
            routes,
        )
    }

    /// Returns a service for each of this many threads, which share nothing that a call writes: each has a
    /// [shard](Calls::new_shard) of the calls, and upstream connections of its own. In all else they are one bridge. Serve them
    /// with [`serve_on_threads`](crate::serve_on_threads), or each on a runtime of yours.
    ///
    /// The limits of [`PoolOptions`](crate::PoolOptions) hold over all services: each has its share of connections and of
    /// waiting calls. If an upstream may have fewer connections than there are threads, several services share a pool.
    ///
    /// What a hosted service shares between its clones, all threads share.
    pub fn into_services(mut self, threads: usize) -> Vec<BridgeService> {
        let first = self.calls();
        let calls = (0..threads).map(|index| if index == 0 { first.clone() } else { first.new_shard() });
        #[cfg(feature = "upstream")]
        let services = calls
            .zip(Routes::for_threads(&self.upstreams, &self.exposed, threads))
            .map(|(calls, routes)| self.service(calls, routes));
        #[cfg(not(feature = "upstream"))]
        let services = calls.map(|calls| self.service(calls));
        services.collect()
    }

    /// Makes the service of one thread.
    fn service(&self, calls: Calls, #[cfg(feature = "upstream")] routes: Routes) -> BridgeService {
        #[cfg(feature = "upstream")]
        let proxies = TrustedProxies::new(self.trusted_proxies.clone());
        #[cfg_attr(not(feature = "reflection"), allow(unused_mut))]
        let mut hosted = self.hosted.clone();
        #[cfg(feature = "reflection")]
        if let Some(reflection) = Reflection::new(&hosted, &self.descriptors, &routes, &proxies) {
            reflection.host(&mut hosted);
        }
        #[cfg(all(feature = "descriptors", feature = "upstream"))]
        HealthChecks::host(
            &mut hosted,
            &routes,
            Forward::new(
                self.hosted.clone(),
                proxies.clone(),
                RetryRules::new(self.retries.clone()),
                self.limits.max_message_bytes,
            ),
        );
        #[cfg(all(feature = "console", feature = "upstream"))]
        self.services.set(hosted.names(), &routes);
        #[cfg(all(feature = "console", not(feature = "upstream")))]
        self.services.set(hosted.names());
        let kinds = Arc::new(self.kinds.clone());
        let safe_methods = SafeMethods::new(Arc::clone(&kinds), self.get_patterns.clone().into());
        let (grpc, connect) = stack::build(&Layers {
            calls: CallLayer::with_calls(calls).deadlines(self.deadlines),
            interceptors: self.interceptors.clone().into(),
            #[cfg(feature = "upstream")]
            proxies,
            #[cfg(feature = "upstream")]
            retry_rules: RetryRules::new(self.retries.clone()),
            kinds,
            safe_methods: safe_methods.clone(),
            origins: self.allowed_origins(),
            #[cfg(feature = "json")]
            json: self.json_rules(),
            max_message_bytes: self.limits.max_message_bytes,
            max_held_response_bytes: self.limits.max_held_response_bytes,
            hosted: hosted.clone(),
        });
        BridgeService::new(Ingress {
            head_rules: HeadRules {
                hosts: self.hosts.clone(),
                max_header_bytes: self.limits.max_header_bytes,
            },
            known: KnownServices {
                hosted,
                #[cfg(feature = "upstream")]
                upstreams: routes,
                detection: self.detection,
                safe_methods,
            },
            #[cfg(feature = "cors")]
            cross_origin: (!self.without_cors).then(|| self.cross_origin(grpc.clone(), connect.clone())),
            grpc,
            connect,
            fallback: self.fallback.clone(),
        })
    }

    /// Returns which calls with JSON are translated, if any.
    #[cfg(feature = "json")]
    fn json_rules(&self) -> Option<Arc<JsonRules>> {
        if self.json_methods.is_empty() {
            return None;
        }
        let schemas = self
            .schemas
            .get_or_init(|| Arc::new(Schemas::new(self.descriptor_files.clone(), &self.descriptors)));
        Some(Arc::new(JsonRules {
            methods: self.json_methods.clone(),
            schemas: Arc::clone(schemas),
            max_message_bytes: self.limits.max_message_bytes,
            max_response_bytes: self.limits.max_held_response_bytes,
        }))
    }

    /// Returns which pages may call by GET.
    #[cfg(feature = "cors")]
    fn allowed_origins(&self) -> AllowedOrigins {
        if self.without_cors {
            AllowedOrigins::AnyNamed
        } else {
            AllowedOrigins::These((&*self.origins).into())
        }
    }

    /// Returns which pages may call by GET.
    #[cfg(not(feature = "cors"))]
    #[allow(clippy::unused_self)]
    fn allowed_origins(&self) -> AllowedOrigins {
        AllowedOrigins::AnyNamed
    }

    /// Returns the stacks behind CORS.
    #[cfg(feature = "cors")]
    fn cross_origin(&self, grpc: Stack, connect: ConnectStack) -> CrossOrigin {
        let origins = &*self.origins;
        CrossOrigin {
            grpc: stack::behind_cors(move |request| HyperService::call(&grpc, request).boxed(), origins),
            connect: stack::behind_cors(move |request| connect.call(request), origins),
            refusals: stack::around_with_cors(refusals(), origins),
        }
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
