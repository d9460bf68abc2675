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
use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use http_body::Body as HttpBody;
use http_body_util::Full;
use hyper::service::Service as HyperService;
use tonic::body::Body;
use tower::{BoxError, Service};

use super::classify::{Kind, classify};
use super::drain_request::DrainRequest;
use super::future::BridgeFuture;
use super::known_services::KnownServices;
use super::stack::Stack;
use crate::service::SharedService;
use crate::web::HostPolicy;

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
    pub(super) hosts: HostPolicy,
    pub(super) known: KnownServices,
    pub(super) grpc: Stack,
    /// The same stack behind CORS, for requests with an `Origin` header and for OPTIONS.
    #[cfg(feature = "cors")]
    pub(super) cross_origin: Option<SharedService>,
    /// Answers what is not gRPC.
    pub(super) fallback: Option<SharedService>,
}

impl BridgeService {
    pub(super) fn new(ingress: Ingress) -> Self {
        Self(Arc::new(ingress))
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
        if let Some(host) = ingress.hosts.refused(&request) {
            tracing::warn!(host = ?host, path = ?request.uri().path(), "refused a request: its host name is not allowed");
            return plain(StatusCode::MISDIRECTED_REQUEST, "this server does not answer to this host name\n");
        }
        let service = service_of(request.uri().path());
        let is_known = |service: &str| ingress.known.is_for_known_service(service, &request);
        match classify(&request, service, ingress.known.detection(), is_known) {
            Kind::Grpc => {
                #[cfg(feature = "upstream")]
                if let Some(route) = service.and_then(|service| ingress.known.route(service)) {
                    request.extensions_mut().insert(route);
                }
                ingress.grpc(request)
            }
            Kind::Other => match &ingress.fallback {
                Some(fallback) => fallback.call(request.map(Body::new)).into(),
                None => plain(StatusCode::NOT_FOUND, "nothing is served here\n"),
            },
        }
    }
}

impl Ingress {
    fn grpc<B>(&self, request: Request<B>) -> BridgeFuture
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let is_http1 = request.version() < Version::HTTP_2;
        let request =
            request.map(|body| if is_http1 { Body::new(DrainRequest::new(body)) } else { Body::new(body) });
        #[cfg(feature = "cors")]
        if let Some(cross_origin) = &self.cross_origin
            && (request.headers().contains_key(header::ORIGIN) || request.method() == Method::OPTIONS)
        {
            let method = request.method().clone();
            let finish = move |result: Result<_, _>| {
                result.map(|mut response| {
                    crate::web::cors::finish(&method, &mut response);
                    response
                })
            };
            return cross_origin.call(request).map(finish).boxed().into();
        }
        BridgeFuture::grpc(HyperService::call(&self.grpc, request))
    }
}

/// Returns a plain-text response.
fn plain(status: StatusCode, text: &'static str) -> BridgeFuture {
    let mut response = Response::new(Body::new(Full::from(text)));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    ready(Ok(response)).boxed().into()
}
