//! The layers that each call passes.

use std::sync::Arc;

use tower::ServiceBuilder;

use super::intercept::{Intercept, Interceptor};
use crate::call::{CallLayer, CallService};
use crate::hosted_services::HostedServices;
#[cfg(feature = "cors")]
use crate::service::SharedService;
#[cfg(feature = "upstream")]
use crate::upstream::{Forward, RetryRules, Route, TrustedProxies};
use crate::web::{Codecs, GrpcWebLayer, GrpcWebService, MethodKinds, RequestRules};

/// The layers that each call passes. The inner ones have one type of future, a box, which the outer ones keep as it is.
pub(super) type Stack = GrpcWebService<CallService<Intercept<InsideCall>>>;

#[cfg(feature = "upstream")]
type InsideCall = Forward<RequestRules<HostedServices>>;
#[cfg(not(feature = "upstream"))]
type InsideCall = RequestRules<HostedServices>;

/// The configuration of the layers.
pub(super) struct Layers {
    pub(super) calls: CallLayer,
    pub(super) interceptors: Arc<[Interceptor]>,
    #[cfg(feature = "upstream")]
    pub(super) proxies: TrustedProxies,
    #[cfg(feature = "upstream")]
    pub(super) retry_rules: RetryRules,
    pub(super) kinds: Arc<MethodKinds>,
    pub(super) max_message_bytes: u32,
    pub(super) hosted: HostedServices,
}

/// Builds the stack, outermost layer first. The comments give the reasons for the order.
pub(super) fn build(layers: Layers) -> Stack {
    let stack = ServiceBuilder::new()
        // Outside of the CALL layer, so that the status which ends a call is translated too.
        .layer(GrpcWebLayer::with_codecs(|extensions| {
            if is_forwarded(extensions) { Codecs::Any } else { Codecs::Protobuf }
        }))
        .layer(layers.calls.insert_context_if(|extensions| !is_forwarded(extensions)))
        // Inside of the CALL layer, so that a refusal ends a call with a status.
        .layer_fn(|inner| Intercept::new(inner, Arc::clone(&layers.interceptors)));
    // Inside of the CALL layer, so that a forwarded call has a deadline and an end like any other.
    #[cfg(feature = "upstream")]
    let stack = stack.layer_fn(|inner| {
        Forward::new(inner, layers.proxies.clone(), layers.retry_rules.clone(), layers.max_message_bytes)
    });
    stack
        // Inside of the CALL layer, so that a request which breaks a rule ends its call with a status.
        .layer_fn(|inner| RequestRules::new(inner, Arc::clone(&layers.kinds), layers.max_message_bytes))
        .service(layers.hosted.clone())
}

/// Puts CORS around the stack. Responses that are not gRPC, such as a
/// 415, have to be readable cross-origin too, so CORS is outside of every layer.
#[cfg(feature = "cors")]
pub(super) fn behind_cors(stack: Stack, origins: &[http::HeaderValue]) -> SharedService {
    use futures_util::FutureExt as _;
    use hyper::service::Service as _;

    around_with_cors(SharedService::new(move |request| stack.call(request).boxed()), origins)
}

/// Puts CORS around a service.
#[cfg(feature = "cors")]
pub(super) fn around_with_cors(service: SharedService, origins: &[http::HeaderValue]) -> SharedService {
    SharedService::from_tower(tower::Layer::layer(&crate::web::cors::layer(origins), service))
}

/// Returns whether the request with these extensions has a route to an upstream.
#[cfg(feature = "upstream")]
fn is_forwarded(extensions: &http::Extensions) -> bool {
    extensions.get::<Route>().is_some()
}

/// Nothing is forwarded.
#[cfg(not(feature = "upstream"))]
fn is_forwarded(_: &http::Extensions) -> bool {
    false
}
