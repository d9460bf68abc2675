//! Opens a context around every call.

use std::convert::Infallible;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use bytes::Bytes;
use drawbridge_core::{EndReason, Protocol};
use http::{Extensions, Request, Response};
use http_body::Body as HttpBody;
use hyper::service::Service as HyperService;
use tonic::Status;
use tonic::body::Body;
use tower::util::Oneshot;
use tower::{BoxError, Layer, Service, ServiceExt as _};

use super::body::CallBody;
use super::calls::Calls;
use super::clock::now;
use super::context::CallContext;
use super::deadline_policy::DeadlinePolicy;
use super::future::{BoxBodyFuture, CallFuture};
use super::guard::CallGuard;
use super::id::CallId;
use super::record::CallFacts;
use super::request_info::RequestInfo;
use super::request_watch::WatchedRequest;
use crate::peer::peer_addr;

/// How many bytes of a path are kept. The client chooses the path, so its length is limited.
const MAX_METHOD_BYTES: usize = 256;

/// How many calls [`CallLayer::new`] admits at a time.
const DEFAULT_MAX_CALLS: usize = 20_000;

/// Opens a [`CallContext`] for each call, and ends the call for exactly one [`EndReason`], such as a passed deadline, a client that is
/// gone, a panic, or completion. Everything that belongs to the call ends with it.
///
/// - `grpc-timeout` is enforced over the whole call, response stream included, and limited by a [`DeadlinePolicy`]. tonic
///   itself bounds the time up to the head of a response.
/// - A call that is ended early gets a status, in the trailers if messages were already sent.
/// - Dropping the response, which is what a server does when its client goes away, drops the handler's stream.
///
/// It works on a tonic `Server` and on an axum `Router`, with or without the rest of this crate. Put it inside of a layer
/// that translates gRPC-Web, such as [`GrpcWebLayer`](crate::GrpcWebLayer), so that the status which ends a call is translated
/// too. tonic-web's layer works as well, with two exceptions: [`CallContext::protocol`] is `Grpc` for all callers, and a response
/// that ends inside of a message does not break off.
///
/// ```
/// # use drawbridge_proto::greet::greeter_server::{Greeter, GreeterServer};
/// # async fn serve(greeter: impl Greeter) -> Result<(), tonic::transport::Error> {
/// use drawbridge::CallLayer;
/// use tonic::transport::Server;
///
/// let calls = CallLayer::new();
/// let open_calls = calls.calls();
/// Server::builder()
///     .layer(calls)
///     .add_service(GreeterServer::new(greeter))
///     .serve_with_shutdown("127.0.0.1:50051".parse().unwrap(), async move {
///         # let ctrl_c = async {};
///         ctrl_c.await;
///         open_calls.abort_all();
///     })
///     .await
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CallLayer {
    calls: Calls,
    deadlines: DeadlinePolicy,
    /// Whether the context is inserted into these extensions, for the handler.
    inserts_context: fn(&Extensions) -> bool,
}

impl CallLayer {
    /// Creates the layer with a list of calls of its own, which admits 20,000 calls at a time, and grants any timeout.
    pub fn new() -> Self {
        Self::with_calls(Calls::new(DEFAULT_MAX_CALLS))
    }

    /// Creates the layer with a list of calls that others may share.
    pub fn with_calls(calls: Calls) -> Self {
        Self { calls, deadlines: DeadlinePolicy::default(), inserts_context: |_| true }
    }

    /// Sets the timeouts that calls are granted.
    #[must_use]
    pub fn deadlines(mut self, deadlines: DeadlinePolicy) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// Returns the list of calls.
    pub fn calls(&self) -> Calls {
        self.calls.clone()
    }

    /// Inserts the context only into the extensions that this function accepts: each insertion costs an allocation.
    pub(crate) fn insert_context_if(mut self, inserts_context: fn(&Extensions) -> bool) -> Self {
        self.inserts_context = inserts_context;
        self
    }

    /// Opens a call and returns its guard. Returns a finished future instead if the call ends here.
    #[inline]
    fn open<F, B>(&self, request: &mut Request<B>) -> Result<CallGuard, CallFuture<F>> {
        let now = now();
        let RequestInfo { timeout, request_id, parent, previous_attempts } =
            RequestInfo::read(request.headers());
        let requested = timeout.as_ref().copied().unwrap_or_default();
        let deadline = self.deadlines.grant(now, requested);
        let path = request.uri().path();
        let facts = CallFacts {
            call_id: LazyLock::new(CallId::random),
            request_id,
            parent: parent.map(Box::new),
            method: path[..floor_char_boundary(path, MAX_METHOD_BYTES)].into(),
            peer: peer_addr(request.extensions()),
            protocol: request.extensions().get::<Protocol>().copied().unwrap_or_default(),
            requested,
            deadline,
            max_duration: self.deadlines.duration().map(Box::new),
            previous_attempts,
        };
        let context = CallContext::open(facts, now, self.calls.shard());
        let guard = CallGuard(context.clone());
        if let Err(malformed) = timeout {
            return Err(CallFuture::refused(guard, Status::invalid_argument(malformed.to_string())));
        }
        if let Some(deadline) = deadline.filter(|deadline| deadline.expired(now)) {
            context.end(EndReason::DeadlineExceeded { granted: deadline.granted() });
            return Err(CallFuture::ended(guard));
        }
        // From here on the deadline is enforced.
        if let Err(status) = self.calls.add(&context) {
            return Err(CallFuture::refused(guard, status));
        }
        if (self.inserts_context)(request.extensions()) {
            request.extensions_mut().insert(context);
        }
        Ok(guard)
    }
}

impl Default for CallLayer {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the last boundary between two characters at or before `index`. (`str::floor_char_boundary` needs Rust 1.91.)
fn floor_char_boundary(text: &str, index: usize) -> usize {
    if index >= text.len() {
        return text.len();
    }
    (0..=index).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

impl<S> Layer<S> for CallLayer {
    type Service = CallService<S>;

    fn layer(&self, inner: S) -> CallService<S> {
        CallService { inner, layer: self.clone() }
    }
}

/// The service that [`CallLayer`] makes. It never fails: an error of the inner service becomes the status of its call.
#[derive(Clone, Debug)]
pub struct CallService<S> {
    inner: S,
    layer: CallLayer,
}

impl<S> HyperService<Request<Body>> for CallService<S>
where
    S: HyperService<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<CallBody>;
    type Error = Infallible;
    type Future = CallFuture<S::Future>;

    #[expect(
        clippy::inline_always,
        reason = "it moves requests, which costs most where it is a function of its own"
    )]
    #[inline(always)]
    fn call(&self, mut request: Request<Body>) -> Self::Future {
        match self.layer.open(&mut request) {
            // No scope is needed here: the inner service calls the handler only when its future is polled.
            Ok(guard) => {
                // A native client may stream its request, and pause for as long as it likes. Browsers do not stream.
                if !guard.0.protocol().streams_requests() {
                    let call = guard.0.clone();
                    request = request
                        .map(|body| Body::new(WatchedRequest::new(body, call, self.layer.calls.shard())));
                }
                CallFuture::running(guard, self.inner.call(request))
            }
            Err(ended) => ended,
        }
    }
}

impl<S, R, B> Service<Request<R>> for CallService<S>
where
    S: Service<Request<R>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<CallBody>;
    type Error = Infallible;
    type Future = CallFuture<BoxBodyFuture<Oneshot<S, Request<R>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Each call waits for the inner service in its own future, so that the wait counts against its deadline.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<R>) -> Self::Future {
        match self.layer.open(&mut request) {
            Ok(guard) => CallFuture::running(guard, BoxBodyFuture::new(self.inner.clone().oneshot(request))),
            Err(ended) => ended,
        }
    }
}
