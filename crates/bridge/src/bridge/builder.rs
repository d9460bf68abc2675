//! Builds a bridge.

#[cfg(feature = "json")]
use std::sync::{Arc, OnceLock};

#[cfg(feature = "cors")]
use http::HeaderValue;
use http::request::Parts;
use tonic::Status;
use tonic::server::NamedService;

use super::classify::GrpcDetection;
use super::intercept::Interceptor;
use super::limits::Limits;
use crate::call::{CallContext, Calls, DeadlinePolicy};
#[cfg(feature = "console")]
use crate::console::Services;
use crate::hosted_services::HostedServices;
#[cfg(feature = "json")]
use crate::json::{DescriptorFiles, Schemas};
use crate::method_kinds::MethodKinds;
use crate::method_pattern::MethodPattern;
use crate::service::{GrpcService, SharedService};
#[cfg(feature = "upstream")]
use crate::upstream::{ProxyRange, RetryRule, ServicePattern, Upstream};
use crate::web::HostPolicy;

mod into_service;

/// Builds a service that answers calls of gRPC, gRPC-Web and Connect: it hosts tonic services, and forwards others to upstreams.
///
/// ```
/// # use drawbridge_proto::greet::greeter_server::{Greeter, GreeterServer};
/// # fn router(greeter: impl Greeter) -> Result<axum::Router, Box<dyn std::error::Error>> {
/// use drawbridge::{Bridge, Upstream};
///
/// let router = Bridge::new()
///     .add_service(GreeterServer::new(greeter))
///     .descriptors(drawbridge_proto::FILE_DESCRIPTOR_SET)?
///     .upstream("shop=http://127.0.0.1:50051".parse::<Upstream>()?)
///     .into_router();
/// # Ok(router)
/// # }
/// ```
///
/// By default a bridge answers to any host name, lets no other origin call, and grants any timeout.
#[derive(Debug, Default)]
pub struct Bridge {
    hosted: HostedServices,
    kinds: MethodKinds,
    /// What the kinds were read from, for reflection.
    #[cfg(feature = "reflection")]
    descriptors: Vec<Vec<u8>>,
    #[cfg(feature = "upstream")]
    upstreams: Vec<Upstream>,
    #[cfg(feature = "upstream")]
    retries: Vec<RetryRule>,
    #[cfg(feature = "upstream")]
    exposed: Vec<ServicePattern>,
    #[cfg(feature = "upstream")]
    trusted_proxies: Vec<ProxyRange>,
    /// Which methods may be called with GET, besides those whose descriptors say so.
    get_patterns: Vec<MethodPattern>,
    #[cfg(feature = "json")]
    json_methods: Vec<MethodPattern>,
    #[cfg(feature = "json")]
    descriptor_files: Option<DescriptorFiles>,
    /// One for all threads.
    #[cfg(feature = "json")]
    schemas: OnceLock<Arc<Schemas>>,
    interceptors: Vec<Interceptor>,
    detection: GrpcDetection,
    fallback: Option<SharedService>,
    /// Whether the router answers every request.
    answers_all: bool,
    hosts: HostPolicy,
    #[cfg(feature = "cors")]
    origins: Vec<HeaderValue>,
    #[cfg(feature = "cors")]
    without_cors: bool,
    deadlines: DeadlinePolicy,
    limits: Limits,
    calls: Option<Calls>,
    #[cfg(feature = "console")]
    services: Services,
}

impl Bridge {
    /// Creates a bridge without services.
    pub fn new() -> Self {
        Self::default()
    }

    /// Hosts a tonic service. A service that was added under the same name before is replaced.
    #[must_use]
    pub fn add_service<S: GrpcService + NamedService>(mut self, service: S) -> Self {
        self.hosted.add(S::NAME, service);
        self
    }

    /// Hosts a service under a name of your choice, such as `shop.Orders`: for one that tower layers are around, and that
    /// has no name of its own.
    #[must_use]
    pub fn add_named_service(mut self, name: &'static str, service: impl GrpcService) -> Self {
        self.hosted.add(name, service);
        self
    }

    /// Reads the methods of hosted services from an encoded `FileDescriptorSet`. A request with the wrong number of messages
    /// for its method is then refused with UNIMPLEMENTED, as the gRPC specification wants it. Reflection that is
    /// [exposed](Bridge::expose) uses the descriptors too.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not a `FileDescriptorSet`.
    #[cfg(feature = "descriptors")]
    pub fn descriptors(mut self, descriptors: &[u8]) -> Result<Self, DescriptorError> {
        self.kinds.add(descriptors)?;
        #[cfg(feature = "reflection")]
        self.descriptors.push(descriptors.to_vec());
        Ok(self)
    }

    /// Forwards the calls of services that are not hosted. Several upstreams of the same service share its calls.
    ///
    /// Messages are passed on as bytes, and are not decoded.
    #[cfg(feature = "upstream")]
    #[must_use]
    pub fn upstream(mut self, upstream: Upstream) -> Self {
        self.upstreams.push(upstream);
        self
    }

    /// Retries forwarded calls that fail. Of the rules that match a call, the one with the longest name applies, and of
    /// several with the same name the last one.
    #[cfg(feature = "upstream")]
    #[must_use]
    pub fn retry(mut self, rule: RetryRule) -> Self {
        self.retries.push(rule);
        self
    }

    /// Takes calls with JSON messages for these methods, in every form in which calls come, and translates them for services that take
    /// protobuf. By default no method takes JSON, and a forwarded call with JSON is passed on as it is.
    ///
    /// The contract of a hosted service is in its [descriptors](Bridge::descriptors). The contract of a forwarded one is in
    /// [files](Bridge::descriptor_files); if it is not, the bridge asks the upstream's reflection, without the credentials of any
    /// caller and also if no caller may use reflection. A method without a contract is UNIMPLEMENTED.
    #[cfg(feature = "json")]
    #[must_use]
    pub fn json(mut self, methods: impl IntoIterator<Item = MethodPattern>) -> Self {
        self.json_methods.extend(methods);
        self
    }

    /// Reads contracts for calls with [JSON](Bridge::json) from files, before descriptors of hosted services and reflection of upstreams.
    #[cfg(feature = "json")]
    #[must_use]
    pub fn descriptor_files(mut self, files: DescriptorFiles) -> Self {
        self.descriptor_files = Some(files);
        self
    }

    /// Lets a catch-all upstream receive administrative services, which are blocked by default: reflection, channelz, and
    /// services that administer servers. An upstream that is configured for such a service by name receives it anyway.
    ///
    /// If reflection is exposed and there is an upstream, the bridge answers it for hosted and forwarded services together
    /// (feature `reflection`): it lists what is hosted and what the upstreams list, and asks the server that has a symbol. It
    /// replaces a reflection service that is hosted, and asks that one too.
    #[cfg(feature = "upstream")]
    #[must_use]
    pub fn expose(mut self, services: impl IntoIterator<Item = ServicePattern>) -> Self {
        self.exposed.extend(services);
        self
    }

    /// Trusts `Forwarded` and `X-Forwarded-For` from these addresses. Upstreams then receive the client's address that a
    /// proxy names. From other peers these headers are replaced by the address of the connection.
    #[cfg(feature = "upstream")]
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = ProxyRange>) -> Self {
        self.trusted_proxies.extend(proxies);
        self
    }

    /// Lets Connect's clients call these methods with GET, so that caches can keep their responses. Name only methods without side
    /// effects: browsers send a GET without asking first, and repeat it. Methods whose [descriptors](Bridge::descriptors) declare
    /// `idempotency_level = NO_SIDE_EFFECTS` can be called with GET anyway.
    ///
    /// A GET from a page of another site is refused, unless its origin is allowed.
    #[must_use]
    pub fn allow_get(mut self, methods: impl IntoIterator<Item = MethodPattern>) -> Self {
        self.get_patterns.extend(methods);
        self
    }

    /// Runs a function at the start of each call, hosted or forwarded, for example to authenticate its caller. It may change
    /// the head, and insert extensions for the handler. An error is the status of the call.
    ///
    /// It runs inside of the call: its time counts toward the deadline, [`CallContext::current`] is the call, and a refusal
    /// is logged, listed, and translated for gRPC-Web. Several interceptors run in the order in which they were added.
    ///
    /// ```
    /// use drawbridge::Bridge;
    /// use tonic::Status;
    ///
    /// let bridge = Bridge::new().intercept(|mut head| async move {
    ///     match head.headers.get("authorization") {
    ///         Some(token) if token == "Bearer secret" => {
    ///             head.headers.insert("x-user", "ann".parse().unwrap());
    ///             Ok(head)
    ///         }
    ///         _ => Err(Status::unauthenticated("send a valid bearer token")),
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn intercept<F, R>(mut self, interceptor: F) -> Self
    where
        F: Fn(Parts) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Parts, Status>> + Send + 'static,
    {
        self.interceptors.push(Interceptor::new(interceptor));
        self
    }

    /// Answers every request that is not gRPC with this service, such as an axum router or the files of a page.
    #[must_use]
    pub fn fallback(mut self, service: impl GrpcService) -> Self {
        self.fallback = Some(SharedService::from_tower(service));
        self.answers_all = true;
        self
    }

    /// Answers calls to unknown services with UNIMPLEMENTED, and, without a [fallback](Bridge::fallback), every other request
    /// with 404. For a router that is served by itself.
    #[must_use]
    pub fn fallback_unimplemented(mut self) -> Self {
        self.answers_all = true;
        self
    }

    /// Treats only requests as calls that say so in their heads: with a content-type of gRPC, gRPC-Web or Connect, with
    /// `connect-protocol-version` if they are JSON, with `connect=v1` in the query of a GET; and preflights that ask for
    /// `x-grpc-web` or `connect-protocol-version`. All others go to the [fallback](Bridge::fallback), even if their path names a
    /// service.
    ///
    /// By default every request to the path of a known service is a call, and with a catch-all upstream every POST to a path
    /// of two segments, so that a client with the wrong content-type learns what is wrong. Use this if other routes have
    /// such paths, for example `POST /api/login`.
    #[must_use]
    pub fn require_grpc_content_type(mut self) -> Self {
        self.detection = GrpcDetection::ContentType;
        self
    }

    /// Sets the host names that requests may be sent to. By default any name is allowed.
    #[must_use]
    pub fn hosts(mut self, hosts: HostPolicy) -> Self {
        self.hosts = hosts;
        self
    }

    /// Also allows calls from pages of these origins. Pages of the server's own origin are always allowed. Each is a scheme and an authority, such as
    /// `https://app.example`. Credentials such as cookies stay off.
    #[cfg(feature = "cors")]
    #[must_use]
    pub fn allow_origins(mut self, origins: impl IntoIterator<Item = HeaderValue>) -> Self {
        self.origins.extend(origins);
        self
    }

    /// Leaves CORS to a layer of your own around the bridge. See [`ExposeMetadataLayer`](crate::ExposeMetadataLayer).
    /// Without the feature `cors` there is nothing to leave out, and this has no effect.
    #[must_use]
    #[cfg_attr(not(feature = "cors"), allow(unused_mut))]
    pub fn without_cors(mut self) -> Self {
        #[cfg(feature = "cors")]
        {
            self.without_cors = true;
        }
        self
    }

    /// Sets the timeouts that calls are granted.
    #[must_use]
    pub fn deadlines(mut self, deadlines: DeadlinePolicy) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// Sets how much the bridge takes on.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        if let Some(calls) = &self.calls {
            calls.set_max_open(limits.max_calls);
            calls.set_request_idle_timeout(limits.request_idle_timeout);
        }
        self
    }

    /// Sets whether each call logs two lines. See [`Calls::set_logging`].
    #[must_use]
    pub fn log_calls(mut self, on: bool) -> Self {
        self.calls().set_logging(on);
        self
    }

    /// Calls `hook` at the end of each call. See [`Calls::on_end`].
    #[must_use]
    pub fn on_call_end(mut self, hook: impl Fn(&CallContext) + Send + Sync + 'static) -> Self {
        self.calls().on_end(hook);
        self
    }

    /// Lists this bridge's calls together with those of another. The limit of open calls is that of the shared list, and its
    /// hooks and its logging apply. Call it before [`Bridge::log_calls`] and [`Bridge::on_call_end`], which change the list.
    #[must_use]
    pub fn share_calls(mut self, calls: Calls) -> Self {
        self.calls = Some(calls);
        self
    }

    /// Returns the list of calls, which the bridge fills once it is in use.
    pub fn calls(&mut self) -> Calls {
        let limits = self.limits;
        let new = || {
            let calls = Calls::new(limits.max_calls);
            calls.set_request_idle_timeout(limits.request_idle_timeout);
            calls
        };
        self.calls.get_or_insert_with(new).clone()
    }

    /// Returns what this bridge hosts and forwards, for the console. It is known once the service or router is made.
    #[cfg(feature = "console")]
    pub fn services(&self) -> Services {
        self.services.clone()
    }
}

/// The bytes are not an encoded `FileDescriptorSet`.
#[cfg(feature = "descriptors")]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are not an encoded FileDescriptorSet: {0}")]
pub struct DescriptorError(#[from] prost::DecodeError);
