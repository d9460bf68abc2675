//! Runs an interceptor inside of each call.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{Request, Response};
use hyper::service::Service;
use tonic::Status;
use tonic::body::Body;

use crate::service::ResponseFuture;

/// A function that looks at the head of each call, and may change it or refuse the call.
#[derive(Clone)]
pub(super) struct Interceptor(Arc<dyn Fn(Parts) -> BoxFuture<'static, Result<Parts, Status>> + Send + Sync>);

impl Interceptor {
    pub(super) fn new<F, R>(intercept: F) -> Self
    where
        F: Fn(Parts) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Parts, Status>> + Send + 'static,
    {
        Self(Arc::new(move |parts| Box::pin(intercept(parts))))
    }
}

impl fmt::Debug for Interceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interceptor")
    }
}

/// A service behind the interceptors of a bridge, in the order in which they were added.
#[derive(Clone, Debug)]
pub(super) struct Intercept<S> {
    inner: S,
    interceptors: Arc<[Interceptor]>,
}

impl<S> Intercept<S> {
    pub(super) fn new(inner: S, interceptors: Arc<[Interceptor]>) -> Self {
        Self { inner, interceptors }
    }
}

impl<S> Service<Request<Body>> for Intercept<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = ResponseFuture>,
    S: Clone + Send + Sync + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn call(&self, request: Request<Body>) -> Self::Future {
        if self.interceptors.is_empty() {
            return self.inner.call(request);
        }
        let this = self.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            for Interceptor(intercept) in &*this.interceptors {
                parts = match intercept(parts).await {
                    Ok(parts) => parts,
                    Err(status) => return Ok(status.into_http()),
                };
            }
            this.inner.call(Request::from_parts(parts, body)).await
        })
    }
}
