//! The door: the first to see a request, and the one that decides whose it is.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body as AxumBody;
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use http::{Method, Request, Response, StatusCode, Version, header};
use http_body::Body as HttpBody;
use hyper::service::Service;
use tonic::body::Body;
use tower::{BoxError, Layer as _, Service as TowerService, ServiceExt as _, service_fn};
use tower_http::cors::CorsLayer;

use super::arrival::Arrival;
use super::classify::{Kind, classify, service_of};
use super::cors;
use super::host::HostPolicy;
use super::read_on::ReadOn;
use crate::hosted::Hosted;
use crate::page::Page;
use crate::upstream::{Route, Routes};

/// The door. Cloning it, which is done for each request, is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Door(Arc<Behind>);

/// What lies behind the door.
#[derive(Debug)]
pub(crate) struct Behind {
    pub(crate) hosts: HostPolicy,
    pub(crate) known: Known,
    pub(crate) grpc: Grpc,
    /// The same behind CORS, for requests that name an origin. To all others there is nothing to allow.
    pub(crate) cross_origin: Grpc,
    pub(crate) page: Option<Page>,
}

/// All that answers calls. It is shared by all of them, and not cloned for each.
#[derive(Clone)]
pub(crate) struct Grpc(Arc<dyn Fn(Request<Body>) -> Answer + Send + Sync>);

type Answer = BoxFuture<'static, Result<Response<AxumBody>, Infallible>>;

impl Grpc {
    pub(crate) fn new<S>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<AxumBody>, Error = Infallible>,
        S: Send + Sync + 'static,
        S::Future: Send,
    {
        Self(Arc::new(move |request| service.call(request).boxed()))
    }

    /// Returns the same behind CORS.
    pub(crate) fn behind(self, cors: &CorsLayer) -> Self {
        let behind = cors.layer(service_fn(move |request| self.0(request)));
        Self(Arc::new(move |request| behind.clone().oneshot(request).boxed()))
    }
}

impl fmt::Debug for Grpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grpc")
    }
}

/// The services that a bridge knows.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) hosted: Hosted,
    pub(crate) upstreams: Routes,
}

impl Known {
    /// Tells whether a request to this service is a call, or a mistaken try at one, whatever else it looks like. Where all
    /// that nobody else takes is forwarded, any service may be there; a page is got and not posted.
    fn is_meant(&self, service: &str, method: &Method) -> bool {
        self.hosted.contains(service)
            || self.upstreams.is_named(service)
            || (self.upstreams.has_catch_all() && *method == Method::POST)
    }

    /// Returns where the calls of a service go that is not hosted.
    fn route(&self, service: &str) -> Option<Route> {
        if self.hosted.contains(service) { None } else { self.upstreams.find(service) }
    }
}

impl<B> TowerService<Request<B>> for Door
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<AxumBody>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Answer {
        let Behind { hosts, known, grpc, cross_origin, page } = &*self.0;
        if let Some(host) = hosts.refused(&request) {
            tracing::warn!(host = ?host, path = ?request.uri().path(), "refused a request to a foreign host name");
            let words = "this server answers on loopback names only; see --allow-host\n";
            return at_once((StatusCode::MISDIRECTED_REQUEST, words));
        }
        let service = service_of(request.uri().path());
        match (classify(&request, service, |service| known.is_meant(service, request.method())), page) {
            (Kind::Grpc, _) => {
                // Only a path that is exactly one of gRPC is forwarded, as it came.
                let forwarded = service.filter(|_| request.uri().query().is_none());
                if let Some(route) = forwarded.and_then(|service| known.route(service)) {
                    request.extensions_mut().insert(Arrival { route: Some(route), ..Arrival::default() });
                }
                let method = request.method().clone();
                let request = if request.version() < Version::HTTP_2 {
                    request.map(|body| Body::new(ReadOn::new(body)))
                } else {
                    request.map(Body::new)
                };
                if !request.headers().contains_key(header::ORIGIN) && method != Method::OPTIONS {
                    return grpc.0(request);
                }
                let finish = move |answer: Result<_, _>| {
                    answer.map(|mut answer| {
                        cors::finish(&method, &mut answer);
                        answer
                    })
                };
                cross_origin.0(request).map(finish).boxed()
            }
            (Kind::Page, Some(page)) => {
                let page = page.clone();
                let request = request.map(AxumBody::new);
                async move { Ok(page.answer(request).await) }.boxed()
            }
            (Kind::Page | Kind::Unknown, _) => at_once((StatusCode::NOT_FOUND, "nothing is served here\n")),
        }
    }
}

fn at_once(answer: impl IntoResponse) -> Answer {
    ready(Ok(answer.into_response())).boxed()
}

impl Door {
    pub(crate) fn new(behind: Behind) -> Self {
        Self(Arc::new(behind))
    }

    /// Returns the paths of what is known, as axum writes them, or `None` where any service may be there.
    pub(crate) fn paths(&self) -> Option<BTreeSet<String>> {
        let Known { hosted, upstreams } = &self.0.known;
        let hosted = hosted.names().map(|service| format!("/{service}/{{method}}"));
        // A name is that of a service, or that of a package.
        let named = upstreams
            .names()
            .flat_map(|name| [format!("/{name}/{{method}}"), format!("/{name}.{{service}}/{{method}}")]);
        (!upstreams.has_catch_all()).then(|| hosted.chain(named).collect())
    }
}
