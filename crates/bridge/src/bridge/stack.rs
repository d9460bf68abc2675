//! The layers that each call passes.

use std::sync::Arc;

#[cfg(feature = "cors")]
use http::Request;
#[cfg(feature = "cors")]
use tonic::body::Body;
use tower::{Layer as _, ServiceBuilder};

use super::intercept::{Intercept, Interceptor};
use crate::call::{CallLayer, CallService};
use crate::connect::{AllowedOrigins, ConnectService};
use crate::hosted_services::HostedServices;
#[cfg(feature = "json")]
use crate::json::{Json, JsonRules};
use crate::method_kinds::MethodKinds;
use crate::safe_methods::SafeMethods;
#[cfg(feature = "cors")]
use crate::service::{ResponseFuture, SharedService};
#[cfg(feature = "upstream")]
use crate::upstream::{Forward, RetryRules, Route, TrustedProxies};
use crate::web::{Codecs, GrpcWebLayer, GrpcWebService, RequestRules};

/// The layers that each call passes. The inner ones have one type of future, a box, which the outer ones keep as it is.
type CallStack = CallService<Intercept<InsideCall>>;

/// The layers for gRPC and gRPC-Web.
pub(super) type Stack = GrpcWebService<CallStack>;

/// The layers for Connect.
pub(super) type ConnectStack = ConnectService<CallStack>;

#[cfg(feature = "json")]
type InsideCall = Json<Callees>;
#[cfg(not(feature = "json"))]
type InsideCall = Callees;

#[cfg(feature = "upstream")]
type Callees = Forward<RequestRules<HostedServices>>;
#[cfg(not(feature = "upstream"))]
type Callees = RequestRules<HostedServices>;

/// The configuration of the layers.
pub(super) struct Layers {
    pub(super) calls: CallLayer,
    pub(super) interceptors: Arc<[Interceptor]>,
    #[cfg(feature = "upstream")]
    pub(super) proxies: TrustedProxies,
    #[cfg(feature = "upstream")]
    pub(super) retry_rules: RetryRules,
    pub(super) kinds: Arc<MethodKinds>,
    pub(super) safe_methods: SafeMethods,
    pub(super) origins: AllowedOrigins,
    #[cfg(feature = "json")]
    pub(super) json: Option<Arc<JsonRules>>,
    pub(super) max_message_bytes: u32,
    pub(super) max_held_response_bytes: u32,
    pub(super) hosted: HostedServices,
}

/// Builds the stacks for gRPC and for Connect. The forms in which calls come are outside of the CALL layer, so that the status which
/// ends a call is translated too. All that is inside is the same for both.
pub(super) fn build(layers: &Layers) -> (Stack, ConnectStack) {
    let calls = calls(layers);
    let codecs = layers.codecs();
    let connect = ConnectService {
        inner: calls.clone(),
        kinds: Arc::clone(&layers.kinds),
        safe_methods: layers.safe_methods.clone(),
        origins: layers.origins.clone(),
        codecs,
        max_message_bytes: layers.max_message_bytes,
        max_held_response_bytes: layers.max_held_response_bytes,
    };
    (GrpcWebLayer::with_codecs(codecs).layer(calls), connect)
}

/// Builds the layers from the CALL layer on, outermost first. The comments give the reasons for the order.
fn calls(layers: &Layers) -> CallStack {
    let stack = ServiceBuilder::new()
        .layer(layers.calls.clone().insert_context_if(|extensions| !is_forwarded(extensions)))
        // Inside of the CALL layer, so that a refusal ends a call with a status.
        .layer_fn(|inner| Intercept::new(inner, Arc::clone(&layers.interceptors)));
    // Inside of the CALL layer, so that the contract is awaited within the deadline. Outside of what needs protobuf.
    #[cfg(feature = "json")]
    let stack = stack.layer_fn(|inner| Json::new(inner, layers.json.clone()));
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

/// Puts CORS around a stack. Responses that are not calls', such as a 415, have to be readable cross-origin too, so CORS is outside of
/// every layer.
#[cfg(feature = "cors")]
pub(super) fn behind_cors(
    call: impl Fn(Request<Body>) -> ResponseFuture + Send + Sync + 'static,
    origins: &[http::HeaderValue],
) -> SharedService {
    around_with_cors(SharedService::new(call), origins)
}

/// Puts CORS around a service.
#[cfg(feature = "cors")]
pub(super) fn around_with_cors(service: SharedService, origins: &[http::HeaderValue]) -> SharedService {
    SharedService::from_tower(crate::web::cors::layer(origins).layer(service))
}

impl Layers {
    /// Returns which codecs a call may have: hosted services decode protobuf, and JSON is translated for them.
    #[cfg_attr(not(feature = "json"), allow(clippy::unused_self))]
    fn codecs(&self) -> fn(&http::Extensions) -> Codecs {
        #[cfg(feature = "json")]
        if self.json.is_some() {
            return |extensions| if is_forwarded(extensions) { Codecs::Any } else { Codecs::ProtobufAndJson };
        }
        |extensions| if is_forwarded(extensions) { Codecs::Any } else { Codecs::Protobuf }
    }
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
