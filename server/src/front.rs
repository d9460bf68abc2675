//! What stands before the bridge: the probes of orchestrators, and hints for the operator.

use std::convert::Infallible;
use std::future::ready as ready_now;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use drawbridge::{BridgeFuture, BridgeService};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Either};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tower::{BoxError, Service};

use crate::hints::Hints;
use crate::lifecycle::Lifecycle;

/// Answers `/livez` and `/readyz`, and passes all other requests to the bridge. Probes are no calls: no limit, host name or
/// log line concerns them.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    bridge: BridgeService,
    shared: Arc<Shared>,
}

/// What the requests of one thread share. Each request clones it, so each thread has its own.
#[derive(Debug)]
struct Shared {
    hints: Hints,
    lifecycle: Lifecycle,
}

impl Front {
    pub(crate) fn new(bridge: BridgeService, hints: Hints, lifecycle: Lifecycle) -> Self {
        Self { bridge, shared: Arc::new(Shared { hints, lifecycle }) }
    }
}

impl<B> Service<Request<B>> for Front
where
    B: HttpBody<Data = bytes::Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = FrontFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> FrontFuture {
        let probe = match request.uri().path() {
            "/livez" => Some(live()),
            "/readyz" => Some(readiness(&self.shared.lifecycle, request.uri().query() == Some("verbose"))),
            _ => None,
        };
        let inner = match probe {
            Some(response) => Either::Right(ready_now(Ok(response)).boxed()),
            None => Either::Left(self.bridge.call(request)),
        };
        FrontFuture { inner, shared: Arc::clone(&self.shared) }
    }
}

pin_project_lite::pin_project! {
    /// The future of a response.
    pub(crate) struct FrontFuture {
        #[pin]
        // Boxed: the future of a call has no room for a response.
        inner: Either<BridgeFuture, BoxFuture<'static, Result<Response<Body>, Infallible>>>,
        shared: Arc<Shared>,
    }
}

impl Future for FrontFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        if let Ok(response) = &result {
            this.shared.hints.observe(response);
        }
        Poll::Ready(result)
    }
}

/// The program lives as long as it answers.
fn live() -> Response<Body> {
    text(StatusCode::OK, "ok\n".to_owned())
}

/// Whether the program takes calls: one word, or a line for each condition.
fn readiness(lifecycle: &Lifecycle, is_verbose: bool) -> Response<Body> {
    let is_draining = lifecycle.is_draining();
    let (status, verdict) = if is_draining {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: the server is shutting down")
    } else {
        (StatusCode::OK, "ok")
    };
    let mut answer = format!("{verdict}\n");
    if is_verbose {
        let accepts = if is_draining { "failed" } else { "ok" };
        answer = format!("accepts calls: {accepts}\ncalls open: {}\n{answer}", lifecycle.open_calls());
    }
    text(status, answer)
}

fn text(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::new(http_body_util::Full::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
