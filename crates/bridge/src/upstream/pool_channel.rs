//! A pool as a channel, for calls that the bridge itself makes.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::{HeaderName, Request, Response};
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tower::Service;

use super::forwarded_call::ForwardedCall;
use super::headers;
use super::pool::Pool;
use super::trusted_proxies::TrustedProxies;
use crate::call::CallContext;

/// The compression of a request's messages, and the compressions that are accepted for the response.
const ENCODING: [HeaderName; 2] =
    [HeaderName::from_static("grpc-encoding"), HeaderName::from_static("grpc-accept-encoding")];

/// A channel to the servers of a pool, for calls that the bridge itself makes. They are sent as forwarded calls are. A failure is
/// the status of the response.
#[derive(Clone, Debug)]
pub(crate) struct PoolChannel(Arc<Pool>);

impl PoolChannel {
    pub(crate) fn new(pool: &Arc<Pool>) -> Self {
        Self(Arc::clone(pool))
    }
}

impl Service<Request<Body>> for PoolChannel {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut call = ForwardedCall::internal(Arc::clone(&self.0), request);
        Box::pin(async move { Ok(call.send().await.unwrap_or_else(|failure| failure.status().into_http())) })
    }
}

/// Returns the metadata that this request would have if it were forwarded, for calls that are made on its behalf: it has the
/// caller's address and credentials.
pub(crate) fn metadata<B>(request: &Request<B>, proxies: &TrustedProxies) -> MetadataMap {
    let mut metadata = request.headers().clone();
    headers::prepare_request(&mut metadata, CallContext::current().as_ref(), proxies.peer(request).as_ref());
    for name in &ENCODING {
        metadata.remove(name);
    }
    MetadataMap::from_headers(metadata)
}
