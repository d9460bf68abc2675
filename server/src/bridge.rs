//! Puts the parts together: services, upstreams and the page, behind the one stack.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::Body as HttpBody;
use hyper::service::Service;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::{BoxError, Layer, Service as TowerService, ServiceBuilder};

use crate::call::{CallLayer, Calls, DeadlinePolicy};
use crate::console::Services;
use crate::front::cors;
use crate::front::door::{Behind, Door, Grpc, Known};
use crate::front::host::HostPolicy;
use crate::front::request_rules::{MethodKinds, RequestRules};
use crate::front::web::Web;
use crate::hosted::Hosted;
use crate::page::Page;
use crate::reflection::Reflection;
use crate::upstream::{
    Exposed, Forward, ProxyRange, Retries, RetryRule, Routes as Upstreams, TrustedProxies, Upstream,
};

#[cfg(all(test, target_os = "linux"))]
mod cost;

/// How much a bridge takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most calls that are open at a time. A call beyond gets `RESOURCE_EXHAUSTED`.
    pub max_calls: usize,
    /// The longest message that a caller may send, in bytes. A longer one ends its call with `RESOURCE_EXHAUSTED`.
    pub max_message_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_calls: 20_000, max_message_bytes: 4 * 1024 * 1024 }
    }
}

/// Builds a router that serves tonic services to native clients and to browsers.
///
/// ```
/// # use drawbridge::samples::MessageService;
/// # use drawbridge_proto::message::message_server::MessageServer;
/// use drawbridge::Bridge;
///
/// let router = Bridge::new()
///     .serve(MessageServer::new(MessageService::default()))
///     .descriptors(drawbridge_proto::FILE_DESCRIPTOR_SET)?
///     .into_router();
/// # Ok::<(), prost::DecodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Bridge {
    hosted: Hosted,
    kinds: MethodKinds,
    /// What the kinds were read from.
    descriptors: Vec<Vec<u8>>,
    upstreams: Vec<Upstream>,
    retries: Vec<RetryRule>,
    exposed: Vec<Exposed>,
    trusted: Vec<ProxyRange>,
    unknown: bool,
    page: Option<Page>,
    hosts: HostPolicy,
    origins: Vec<HeaderValue>,
    deadlines: DeadlinePolicy,
    limits: Limits,
    calls: Option<Calls>,
    told: Services,
}

impl Bridge {
    /// Creates a bridge without services and page, which grants any deadline and lets no other origin call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Hosts a tonic service.
    #[must_use]
    pub fn serve<S, B>(mut self, service: S) -> Self
    where
        S: TowerService<Request<Body>, Response = Response<B>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.hosted.add(S::NAME, service);
        self
    }

    /// Tells the methods of hosted services, from an encoded `FileDescriptorSet`, so that a request with the wrong
    /// number of messages for its method is refused. Reflection that is [exposed](Bridge::expose) tells them too.
    ///
    /// # Errors
    ///
    /// Returns an error where the bytes are no such set.
    pub fn descriptors(mut self, descriptors: &[u8]) -> Result<Self, prost::DecodeError> {
        self.kinds.add(descriptors)?;
        self.descriptors.push(descriptors.to_vec());
        Ok(self)
    }

    /// Forwards the calls of services that are not hosted here. Several upstreams of one service share its calls.
    ///
    /// Their messages are not looked at: what an upstream does not take, it refuses itself.
    #[must_use]
    pub fn upstream(mut self, upstream: Upstream) -> Self {
        self.upstreams.push(upstream);
        self
    }

    /// Tries forwarded calls again that fail, as the rule says. Of the rules that are for a call, the one with the longest
    /// name counts, and of several with the same name the last one.
    #[must_use]
    pub fn retry(mut self, rule: RetryRule) -> Self {
        self.retries.push(rule);
        self
    }

    /// Has an upstream that takes all that nobody else does take services too that tell or change more of a server than
    /// its callers have to know: channelz, reflection, and what administers servers. Named ones are open anyway.
    ///
    /// Reflection, where it is exposed and there is any upstream, answers for hosted and forwarded services together: it
    /// lists what is hosted and what the upstreams list and would be called for, and asks whoever has a symbol. It takes
    /// the place of a reflection service that is hosted, and asks that one too.
    #[must_use]
    pub fn expose(mut self, services: impl IntoIterator<Item = Exposed>) -> Self {
        self.exposed.extend(services);
        self
    }

    /// Believes what these proxies say of whom they speak for, which upstreams are told. What anybody else says is
    /// replaced by the address that the connection comes from.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = ProxyRange>) -> Self {
        self.trusted.extend(proxies);
        self
    }

    /// Answers calls of services that nobody knows, with UNIMPLEMENTED, and all other requests with 404. For a router that
    /// is served by itself.
    #[must_use]
    pub fn answer_unknown(mut self) -> Self {
        self.unknown = true;
        self
    }

    /// Serves a page to every GET that is no gRPC call.
    #[must_use]
    pub fn page(mut self, page: Page) -> Self {
        self.page = Some(page);
        self
    }

    /// Sets the names that requests may be sent to. By default any is allowed.
    #[must_use]
    pub fn hosts(mut self, hosts: HostPolicy) -> Self {
        self.hosts = hosts;
        self
    }

    /// Lets the pages of these origins call, besides the server's own. Each is a scheme and authority, such as
    /// `https://app.example`.
    #[must_use]
    pub fn allow_origins(mut self, origins: impl IntoIterator<Item = HeaderValue>) -> Self {
        self.origins.extend(origins);
        self
    }

    /// Sets the time that calls are granted.
    #[must_use]
    pub fn deadlines(mut self, deadlines: DeadlinePolicy) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// Sets how much the bridge takes on. To be set before [`Bridge::calls`] is asked for.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Lists this bridge's calls together with those of another, under the limit that the list was made with.
    #[must_use]
    pub fn share_calls(mut self, calls: Calls) -> Self {
        self.calls = Some(calls);
        self
    }

    /// Returns the list of the calls that are open, which stays true when the router is in use.
    pub fn calls(&mut self) -> Calls {
        self.calls.get_or_insert_with(|| Calls::new(self.limits.max_calls)).clone()
    }

    /// Returns what this bridge hosts and forwards, which is known once the router is made.
    pub fn services(&self) -> Services {
        self.told.clone()
    }

    /// Returns the router.
    ///
    /// With a page, an upstream for whatever nobody else takes, or [`Bridge::answer_unknown`], it answers every request,
    /// and so has a fallback. Without them, it has routes for its services alone, and can be merged with a router that has
    /// others and a fallback of its own. It works in HTTP/1.1 and h2. The address of a caller is known where the router is served with
    /// [`axum::extract::ConnectInfo`] of a `SocketAddr`, as [`serve`](crate::serve) does.
    pub fn into_router(mut self) -> Router {
        let calls = CallLayer { calls: self.calls(), deadlines: self.deadlines };
        let answers_all = self.unknown || self.page.is_some();
        router(self.stack(calls), answers_all)
    }

    /// Returns what answers every request, without a router around it.
    pub(crate) fn into_door(mut self) -> Door {
        let calls = CallLayer { calls: self.calls(), deadlines: self.deadlines };
        self.stack(calls)
    }

    /// Puts the stack together, with the given layer in the place of the calls.
    fn stack<L, B>(mut self, calls: L) -> Door
    where
        L: Layer<Forward<RequestRules<Hosted>>>,
        L::Service:
            Service<Request<Body>, Response = Response<B>, Error = Infallible> + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
        B: HttpBody<Data = Bytes, Error = Status> + Unpin + Send + 'static,
    {
        let upstreams = Upstreams::new(self.upstreams, self.exposed);
        let proxies = TrustedProxies::new(self.trusted);
        let retries = Retries::new(self.retries);
        if let Some(reflection) = Reflection::new(&self.hosted, &self.descriptors, &upstreams, &proxies) {
            reflection.host(&mut self.hosted);
        }
        self.told.tell(self.hosted.names(), &upstreams);
        let kinds = Arc::new(self.kinds);
        let max_message_bytes = self.limits.max_message_bytes;
        // Outermost first. Each line stands where it does for the reason beside it.
        let grpc = ServiceBuilder::new()
            // The status that ends a call must be encoded for the browser, so the translation stands before the calls.
            .layer_fn(Web::new)
            .layer(calls)
            // A forwarded call has a deadline and an end like any other, and so leaves from inside it.
            .layer_fn(|inner| Forward::new(inner, proxies.clone(), retries.clone()))
            // A broken rule is the end of one call, with its status, so the rules stand inside it.
            .layer_fn(|inner| RequestRules::new(inner, Arc::clone(&kinds), max_message_bytes))
            .service(self.hosted.clone());
        let grpc = Grpc::new(grpc);
        // An answer that is no gRPC must be readable cross-origin too, so CORS stands before all that answers.
        let cross_origin = grpc.clone().behind(&cors::layer(&self.origins));
        let known = Known { hosted: self.hosted, upstreams };
        Door::new(Behind { hosts: self.hosts, known, grpc, cross_origin, page: self.page })
    }
}

fn router(door: Door, answers_all: bool) -> Router {
    match door.paths() {
        Some(paths) if !answers_all => {
            paths.iter().fold(Router::new(), |router, path| router.route_service(path, door.clone()))
        }
        _ => Router::new().fallback_service(door),
    }
}
