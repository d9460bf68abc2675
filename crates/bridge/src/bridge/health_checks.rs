//! Health checks of services that upstreams have.

use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::service::Service as _;
use prost::Message as _;
use tonic::Status;
use tonic::body::Body;
use tower::{BoxError, Service};

use crate::hosted_services::HostedServices;
use crate::service::ResponseFuture;
use crate::upstream::{Forward, Route, Routes};

/// The service that answers health checks
/// ([gRPC Health Checking Protocol](https://github.com/grpc/grpc/blob/master/doc/health-checking.md)).
const NAME: &str = "grpc.health.v1.Health";

/// The largest request, in bytes: a name.
const MAX_BYTES: usize = 4096;

/// How many bytes precede the message of a request: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// The hosted health service of a bridge with upstreams. It answers for the bridge, whose name is empty, and for hosted services.
/// Checks of services that an upstream takes the calls of are forwarded there.
#[derive(Clone, Debug)]
pub(super) struct HealthChecks {
    hosted: HostedServices,
    routes: Routes,
    /// Passes what is not forwarded to the hosted services.
    forward: Forward<HostedServices>,
}

impl HealthChecks {
    /// Puts this in the place of the health service, if one is hosted and there are upstreams. `forward` has the hosted services
    /// inside.
    pub(super) fn host(hosted: &mut HostedServices, routes: &Routes, forward: Forward<HostedServices>) {
        if hosted.contains(NAME) && routes.pools().next().is_some() {
            let (own, routes) = (hosted.clone(), routes.clone());
            hosted.add(NAME, Self { hosted: own, routes, forward });
        }
    }

    /// Returns where a check is forwarded to, by its request.
    fn route(&self, request: &[u8]) -> Option<Route> {
        // A compressed one is left to the hosted service, which reads it or says that it cannot.
        let ([0, ..], message) = request.split_first_chunk::<PREFIX_BYTES>()? else { return None };
        // The request has the form of `google.protobuf.StringValue`: field 1 is the name of a service.
        let service = String::decode(message).ok()?;
        if service.is_empty() || self.hosted.contains(&service) {
            return None;
        }
        self.routes.find(&service).filter(|route| matches!(route, Route::To(_)))
    }
}

impl Service<Request<Body>> for HealthChecks {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> ResponseFuture {
        let this = self.clone();
        async move {
            let (mut head, body) = request.into_parts();
            let body = match Limited::new(body, MAX_BYTES).collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) => return Ok(refused(error).into_http()),
            };
            if let Some(route) = this.route(&body) {
                head.extensions.insert(route);
            }
            this.forward.call(Request::from_parts(head, whole(body))).await
        }
        .boxed()
    }
}

fn whole(body: Bytes) -> Body {
    Body::new(Full::new(body))
}

fn refused(error: BoxError) -> Status {
    match error.downcast::<Status>() {
        Ok(status) => *status,
        Err(_) => Status::resource_exhausted(format!("a health check has at most {MAX_BYTES} bytes")),
    }
}
