//! The stack of layers that each request passes.

use std::sync::Arc;

#[cfg(feature = "cors")]
use futures_util::FutureExt as _;
#[cfg(feature = "cors")]
use hyper::service::Service as _;
use tower::ServiceBuilder;

use super::Bridge;
use super::ingress::{BridgeService, Ingress};
use super::intercept::Intercept;
use super::known_services::KnownServices;
use crate::call::{CallLayer, CallService};
use crate::hosted_services::HostedServices;
#[cfg(feature = "reflection")]
use crate::reflection::Reflection;
#[cfg(feature = "cors")]
use crate::service::SharedService;
#[cfg(feature = "upstream")]
use crate::upstream::{Forward, RetryRules, Route, Routes, TrustedProxies};
use crate::web::{Codecs, GrpcWebLayer, GrpcWebService, RequestRules};

/// The layers that each call passes. Their futures are small, since those of handlers and forwarded calls are boxed.
pub(super) type Stack = GrpcWebService<CallService<Intercept<Inside>>>;

#[cfg(feature = "upstream")]
type Inside = Forward<RequestRules<HostedServices>>;
#[cfg(not(feature = "upstream"))]
type Inside = RequestRules<HostedServices>;

/// Puts a bridge together.
pub(super) fn build(mut bridge: Bridge) -> BridgeService {
    let calls = CallLayer::with_calls(bridge.calls()).deadlines(bridge.deadlines);
    #[cfg(feature = "upstream")]
    let upstreams = Routes::new(bridge.upstreams, bridge.exposed);
    #[cfg(feature = "upstream")]
    let proxies = TrustedProxies::new(bridge.trusted_proxies);
    #[cfg(feature = "upstream")]
    let retry_rules = RetryRules::new(bridge.retries);
    #[cfg(feature = "reflection")]
    if let Some(reflection) = Reflection::new(&bridge.hosted, &bridge.descriptors, &upstreams, &proxies) {
        reflection.host(&mut bridge.hosted);
    }
    #[cfg(all(feature = "console", feature = "upstream"))]
    bridge.services.set(bridge.hosted.names(), &upstreams);
    #[cfg(all(feature = "console", not(feature = "upstream")))]
    bridge.services.set(bridge.hosted.names());
    let kinds = Arc::new(bridge.kinds);
    let interceptors: Arc<[_]> = bridge.interceptors.into();
    let max_message_bytes = bridge.limits.max_message_bytes;

    // Outermost first. Each line says why it stands where it does.
    let stack = ServiceBuilder::new()
        // The status that ends a call has to be translated too, so gRPC-Web stands outside of the calls.
        .layer(GrpcWebLayer::with_codecs(
            |request| if is_forwarded(request) { Codecs::Any } else { Codecs::Protobuf },
        ))
        .layer(calls.with_context_if(|request| !is_forwarded(request)))
        // A refusal is the end of a call, with its status, so interceptors stand inside of it.
        .layer_fn(|inner| Intercept::new(inner, Arc::clone(&interceptors)));
    // A forwarded call has a deadline and an end like any other, so it leaves from inside of the call.
    #[cfg(feature = "upstream")]
    let stack = stack.layer_fn(|inner| Forward::new(inner, proxies.clone(), retry_rules.clone()));
    let grpc: Stack = stack
        // A broken rule ends one call, with its status, so the rules stand inside of it.
        .layer_fn(|inner| RequestRules::new(inner, Arc::clone(&kinds), max_message_bytes))
        .service(bridge.hosted.clone());

    BridgeService::new(Ingress {
        hosts: bridge.hosts,
        known: KnownServices {
            hosted: bridge.hosted,
            #[cfg(feature = "upstream")]
            upstreams,
            detection: bridge.detection,
        },
        // A response that is not gRPC has to be readable cross-origin too, so CORS stands outside of all that answers.
        #[cfg(feature = "cors")]
        cross_origin: (!bridge.without_cors).then(|| {
            let grpc = grpc.clone();
            let grpc = SharedService::new(move |request| grpc.call(request).boxed());
            SharedService::from_tower(tower::Layer::layer(&crate::web::cors::layer(&bridge.origins), grpc))
        }),
        grpc,
        fallback: bridge.fallback,
    })
}

/// Tells whether a request has a route to an upstream.
#[cfg(feature = "upstream")]
fn is_forwarded(extensions: &http::Extensions) -> bool {
    extensions.get::<Route>().is_some()
}

/// Nothing is forwarded.
#[cfg(not(feature = "upstream"))]
fn is_forwarded(_: &http::Extensions) -> bool {
    false
}
