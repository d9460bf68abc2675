//! The entry of a bridge: checks the host name of each request, classifies it, and passes it on.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use drawbridge_core::path::service_of;
use futures_util::FutureExt as _;
use futures_util::future::ready;
#[cfg(feature = "cors")]
use http::Method;
#[cfg(feature = "cors")]
use http::header;
use http::{Request, Response, Version};
use http_body::Body as HttpBody;
use hyper::service::Service as HyperService;
use tonic::body::Body;
use tower::{BoxError, Service};

use super::classify::{Kind, classify};
use super::drain_request::{DrainRequest, Source};
use super::future::BridgeFuture;
use super::head::Head;
use super::head_rules::{HeadRules, Refusal};
use super::known_services::KnownServices;
use super::stack::{ConnectStack, Stack};
#[cfg(feature = "cors")]
use crate::refusal::is_preflight;
use crate::service::SharedService;

/// A bridge as a tower service: it answers every request over HTTP/1.1 and HTTP/2. [`Bridge::into_service`] makes it.
/// Cloning it is cheap.
///
/// [`serve`](crate::serve) takes it, hyper takes it inside of a `TowerToHyperService`, and axum as a route or fallback service.
///
/// [`Bridge::into_service`]: crate::Bridge::into_service
#[derive(Clone, Debug)]
pub struct BridgeService(Arc<Ingress>);

/// The parts of a bridge, as its entry needs them.
#[derive(Debug)]
pub(super) struct Ingress {
    pub(super) head_rules: HeadRules,
    pub(super) known: KnownServices,
    pub(super) grpc: Stack,
    pub(super) connect: ConnectStack,
    /// Answers requests with an `Origin` header, and OPTIONS.
    #[cfg(feature = "cors")]
    pub(super) cross_origin: Option<CrossOrigin>,
    /// Answers what is no call.
    pub(super) fallback: Option<SharedService>,
}

/// What answers behind CORS.
#[cfg(feature = "cors")]
#[derive(Debug)]
pub(super) struct CrossOrigin {
    pub(super) grpc: SharedService,
    pub(super) connect: SharedService,
    /// The refusals of [`HeadRules`].
    pub(super) refusals: SharedService,
}

impl BridgeService {
    pub(super) fn new(ingress: Ingress) -> Self {
        Self(Arc::new(ingress))
    }

    /// Returns where calls are forwarded to.
    #[cfg(all(test, feature = "upstream"))]
    pub(crate) fn routes(&self) -> &crate::upstream::Routes {
        &self.0.known.upstreams
    }

    /// Returns the services that the bridge knows.
    #[cfg(feature = "axum")]
    pub(super) fn known(&self) -> &KnownServices {
        &self.0.known
    }
}

impl<B> Service<Request<B>> for BridgeService
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BridgeFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    #[cfg_attr(not(feature = "upstream"), allow(unused_mut))]
    fn call(&mut self, mut request: Request<B>) -> BridgeFuture {
        let ingress = &*self.0;
        let head = Head::read(&request);
        if let Some(refusal) = ingress.head_rules.check(&request, &head) {
            return ingress.refuse(request, refusal);
        }
        let has_origin = head.has_origin;
        let service = service_of(request.uri().path());
        let is_known = |service: &str| ingress.known.is_for_known_service(service, &request);
        match classify(&request, head.content_type, service, ingress.known.detection(), is_known) {
            Kind::Grpc => {
                #[cfg(feature = "upstream")]
                if let Some(route) = service.and_then(|service| ingress.known.route(service)) {
                    request.extensions_mut().insert(route);
                }
                ingress.grpc(request, has_origin)
            }
            Kind::Connect => {
                #[cfg(feature = "upstream")]
                if let Some(route) = service.and_then(|service| ingress.known.route(service)) {
                    request.extensions_mut().insert(route);
                    return ingress.connect(request, has_origin);
                }
                if service.is_some_and(|service| ingress.known.hosted.contains(service)) {
                    return ingress.connect(request, has_origin);
                }
                // With gRPC this is the end of a call. A client of Connect expects 404.
                ingress.refuse(request, Refusal::NotFound)
            }
            Kind::Other => match &ingress.fallback {
                Some(fallback) => fallback.call(request.map(Body::new)).into(),
                None => ingress.refuse(request, Refusal::NotFound),
            },
        }
    }
}

impl Ingress {
    /// Refuses a request. Pages of allowed origins can read why: their preflights are answered, and the response has headers of
    /// CORS.
    #[cold]
    #[cfg_attr(not(feature = "cors"), allow(unused_mut, clippy::needless_pass_by_value, clippy::unused_self))]
    fn refuse<B>(&self, request: Request<B>, refusal: Refusal) -> BridgeFuture
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let (head, body) = request.into_parts();
        match &refusal {
            Refusal::Host(host) => {
                tracing::warn!(host = ?host, path = ?head.uri.path(), "refused a request: its host name is not allowed");
            }
            refusal => tracing::debug!(?refusal, path = ?head.uri.path(), "refused a request"),
        }
        if head.version < Version::HTTP_2 {
            drop(DrainRequest::new(body));
        }
        let mut request = Request::from_parts(head, Body::empty());
        #[cfg(feature = "cors")]
        if let Some(CrossOrigin { refusals, .. }) = &self.cross_origin
            && (request.headers().contains_key(header::ORIGIN) || is_preflight(&request))
        {
            request.extensions_mut().insert(refusal);
            return behind_cors(refusals, request);
        }
        ready(Ok(refusal.response(&request))).boxed().into()
    }

    #[cfg_attr(not(feature = "cors"), expect(unused_variables))]
    fn grpc<B: Source>(&self, request: Request<B>, has_origin: bool) -> BridgeFuture
    where
        B::Error: Into<BoxError>,
    {
        let request = drained(request);
        #[cfg(feature = "cors")]
        if let Some(CrossOrigin { grpc, .. }) = &self.cross_origin
            && (has_origin || request.method() == Method::OPTIONS)
        {
            return behind_cors(grpc, request);
        }
        BridgeFuture::grpc(HyperService::call(&self.grpc, request))
    }

    #[cfg_attr(not(feature = "cors"), expect(unused_variables))]
    fn connect<B: Source>(&self, request: Request<B>, has_origin: bool) -> BridgeFuture
    where
        B::Error: Into<BoxError>,
    {
        let request = drained(request);
        #[cfg(feature = "cors")]
        if let Some(CrossOrigin { connect, .. }) = &self.cross_origin
            && (has_origin || request.method() == Method::OPTIONS)
        {
            return behind_cors(connect, request);
        }
        self.connect.call(request).into()
    }
}

/// Makes the bridge read what is left of a request over HTTP/1.1.
#[inline]
fn drained<B: Source>(request: Request<B>) -> Request<Body>
where
    B::Error: Into<BoxError>,
{
    let is_http1 = request.version() < Version::HTTP_2;
    request.map(|body| if is_http1 { Body::new(DrainRequest::new(body)) } else { Body::new(body) })
}

/// Calls a service that is behind the layer of CORS.
#[cfg(feature = "cors")]
fn behind_cors(service: &SharedService, request: Request<Body>) -> BridgeFuture {
    let method = request.method().clone();
    let finish = move |result: Result<_, _>| {
        result.map(|mut response| {
            crate::web::cors::finish(&method, &mut response);
            response
        })
    };
    service.call(request).map(finish).boxed().into()
}
