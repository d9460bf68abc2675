//! The door: the first to see a request, and the one that decides whose it is.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body as AxumBody;
use axum::response::IntoResponse as _;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, Version, header};
use tonic::body::Body;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

use super::classify::{Kind, classify, service_of};
use super::cors;
use super::host::HostPolicy;
use super::read_on::ReadOn;
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

/// All that answers calls.
pub(crate) type Grpc = BoxCloneSyncService<Request<Body>, Response<AxumBody>, Infallible>;

/// The services that a bridge knows.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) hosted: HashSet<&'static str>,
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

    /// Returns where a call goes that is not hosted. Only a path that is exactly one of gRPC is forwarded, as it came.
    fn route<B>(&self, request: &Request<B>) -> Option<Route> {
        let service = service_of(request.uri().path()).filter(|_| request.uri().query().is_none())?;
        if self.hosted.contains(service) { None } else { self.upstreams.find(service) }
    }
}

impl Service<Request<AxumBody>> for Door {
    type Response = Response<AxumBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<AxumBody>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<AxumBody>) -> Self::Future {
        let door = self.clone();
        Box::pin(async move { Ok(door.answer(request).await) })
    }
}

impl Door {
    pub(crate) fn new(behind: Behind) -> Self {
        Self(Arc::new(behind))
    }

    async fn answer(self, mut request: Request<AxumBody>) -> Response<AxumBody> {
        let Behind { hosts, known, grpc, cross_origin, page } = &*self.0;
        if let Some(host) = hosts.refused(&request) {
            tracing::warn!(host = ?host, path = ?request.uri().path(), "refused a request to a foreign host name");
            let words = "this server answers on loopback names only; see --allow-host\n";
            return (StatusCode::MISDIRECTED_REQUEST, words).into_response();
        }
        match (classify(&request, |service| known.is_meant(service, request.method())), page) {
            (Kind::Grpc, _) => {
                if let Some(route) = known.route(&request) {
                    request.extensions_mut().insert(route);
                }
                let method = request.method().clone();
                let request = if request.version() < Version::HTTP_2 {
                    request.map(|body| Body::new(ReadOn::new(body)))
                } else {
                    request.map(Body::new)
                };
                if !request.headers().contains_key(header::ORIGIN) && method != Method::OPTIONS {
                    let Ok(response) = grpc.clone().oneshot(request).await;
                    return response;
                }
                let Ok(mut response) = cross_origin.clone().oneshot(request).await;
                cors::finish(&method, &mut response);
                response
            }
            (Kind::Page, Some(page)) => page.clone().answer(request).await,
            (Kind::Page | Kind::Unknown, _) => {
                (StatusCode::NOT_FOUND, "nothing is served here\n").into_response()
            }
        }
    }
}
