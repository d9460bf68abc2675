//! The services that are hosted here.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Either, Ready, ready};
use hashbrown::HashMap;
use http::{Request, Response};
use http_body::Body as HttpBody;
use hyper::service::Service;
use tonic::Status;
use tonic::body::Body;
use tower::{BoxError, Service as TowerService, ServiceExt as _};

/// A service that hands each call to the hosted one that its path names. A call of any other is UNIMPLEMENTED.
///
/// A router of URLs would match patterns and note what it has matched, which costs a call more than it needs: the name
/// of a gRPC service stands in its path as it is.
#[derive(Clone, Default)]
pub(crate) struct Hosted(Arc<HashMap<&'static str, Answerer>>);

type Answered = Result<Response<Body>, Infallible>;
type Answerer = Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Answered> + Send + Sync>;

impl Hosted {
    /// Adds a service, in the place of any other of its name.
    pub(crate) fn add<S, B>(&mut self, name: &'static str, service: S)
    where
        S: TowerService<Request<Body>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let answerer = move |request| {
            let answer = service.clone().oneshot(request);
            answer.map(|answer| answer.map(|answer| answer.map(Body::new))).boxed()
        };
        Arc::make_mut(&mut self.0).insert(name, Arc::new(answerer));
    }

    /// Tells whether a service is here.
    pub(crate) fn contains(&self, service: &str) -> bool {
        self.0.contains_key(service)
    }

    /// Returns the names of the services.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

impl fmt::Debug for Hosted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Service<Request<Body>> for Hosted {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<BoxFuture<'static, Answered>, Ready<Answered>>;

    fn call(&self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        let service = path.strip_prefix('/').and_then(|path| path.split('/').next()).unwrap_or_default();
        match self.0.get(service) {
            Some(answerer) => Either::Left(answerer(request)),
            None => Either::Right(ready(Ok(unknown(path).into_http()))),
        }
    }
}

fn unknown(path: &str) -> Status {
    Status::unimplemented(format!("no service is known at {path:?}"))
}
