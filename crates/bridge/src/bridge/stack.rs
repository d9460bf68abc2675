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

/// The layers that each call passes. Their futures are small, since those of handlers and forwarded calls are boxed.
pub(super) type Stack = GrpcWebService<CallService<Intercept<Inside>>>;

#[cfg(feature = "upstream")]
type Inside = Forward<RequestRules<HostedServices>>;
#[cfg(not(feature = "upstream"))]
type Inside = RequestRules<HostedServices>;

/// What the layers are made of.
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

/// Puts the layers together, outermost first. Each line says why it stands where it does.
pub(super) fn new(layers: Layers) -> Stack {
    let stack = ServiceBuilder::new()
        // The status that ends a call has to be translated too, so gRPC-Web stands outside of the calls.
        .layer(GrpcWebLayer::with_codecs(
            |request| if is_forwarded(request) { Codecs::Any } else { Codecs::Protobuf },
        ))
        .layer(layers.calls.with_context_if(|request| !is_forwarded(request)))
        // A refusal is the end of a call, with its status, so interceptors stand inside of it.
        .layer_fn(|inner| Intercept::new(inner, Arc::clone(&layers.interceptors)));
    // A forwarded call has a deadline and an end like any other, so it leaves from inside of the call.
    #[cfg(feature = "upstream")]
    let stack =
        stack.layer_fn(|inner| Forward::new(inner, layers.proxies.clone(), layers.retry_rules.clone()));
    stack
        // A broken rule ends one call, with its status, so the rules stand inside of it.
        .layer_fn(|inner| RequestRules::new(inner, Arc::clone(&layers.kinds), layers.max_message_bytes))
        .service(layers.hosted.clone())
}

/// Puts CORS around the stack. A response that is not gRPC has to be readable cross-origin too, so it stands outside of all that
/// answers.
#[cfg(feature = "cors")]
pub(super) fn behind_cors(stack: Stack, origins: &[http::HeaderValue]) -> SharedService {
    use futures_util::FutureExt as _;
    use hyper::service::Service as _;

    let stack = SharedService::new(move |request| stack.call(request).boxed());
    SharedService::from_tower(tower::Layer::layer(&crate::web::cors::layer(origins), stack))
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
