//! Services whose type is forgotten, so that many of them can be kept together.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tower::{BoxError, Service, ServiceExt as _};

/// What a bridge can host: the servers that tonic generates, tower layers around them, axum routers, and any other
/// cloneable tower service that answers HTTP requests and never fails.
///
/// It is implemented for every such type, and cannot be implemented by hand.
pub trait GrpcService:
    Service<
        Request<Body>,
        Response = Response<Self::ResponseBody>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
    /// The body of a response.
    type ResponseBody: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static;
}

impl<S, B> GrpcService for S
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type ResponseBody = B;
}

/// The future of a [`SharedService`].
pub(crate) type ResponseFuture = BoxFuture<'static, Result<Response<Body>, Infallible>>;

/// A service that all calls share. It is called by reference, so that no call clones it.
#[derive(Clone)]
pub(crate) struct SharedService(Arc<dyn Fn(Request<Body>) -> ResponseFuture + Send + Sync>);

impl SharedService {
    /// Wraps a function that answers requests.
    pub(crate) fn new(answer: impl Fn(Request<Body>) -> ResponseFuture + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    /// Wraps a tower service, which is cloned for each call.
    pub(crate) fn from_tower(service: impl GrpcService) -> Self {
        Self::new(move |request| {
            let response = service.clone().oneshot(request);
            response.map(|result| result.map(|response| response.map(Body::new))).boxed()
        })
    }

    /// Answers a request.
    pub(crate) fn call(&self, request: Request<Body>) -> ResponseFuture {
        (self.0)(request)
    }
}

impl fmt::Debug for SharedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedService")
    }
}

impl Service<Request<Body>> for SharedService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> ResponseFuture {
        (self.0)(request)
    }
}
