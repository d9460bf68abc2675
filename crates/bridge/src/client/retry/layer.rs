//! Makes the attempts of a call.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use drawbridge_core::headers::{GRPC_PREVIOUS_RPC_ATTEMPTS, GRPC_TIMEOUT};
use drawbridge_core::status::failure_in;
use drawbridge_core::{Deadline, RetryDecision, RetryPolicy, SharedThrottle, Throttle};
use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use http_body::Body as HttpBody;
use tonic::Status;
use tonic::body::Body;
use tower::{BoxError, Layer, Service, ServiceExt as _};

use super::call_retries::CallRetries;
use super::replay_body::ReplayBody;
use crate::call::{CallContext, now, requested_timeout};
use crate::client::propagation::{Detached, header_value};

/// Tries calls of a tonic client again, as [gRFC A6](https://github.com/grpc/proposal/blob/master/A6-client-retries.md)
/// has it.
///
/// - All attempts share the call's one deadline, which is the smaller of its own (`Request::set_timeout`) and that of the
///   call whose handler makes it. Each attempt is stamped with what is left of it (`grpc-timeout`), and from the second
///   on with how many went before (`grpc-previous-rpc-attempts`).
/// - A wait that would outlast the deadline is not begun: the call is `DEADLINE_EXCEEDED` at once, and says how the last
///   attempt failed.
/// - The head of an answer commits the call to its attempt, unless it is a status already (trailers-only). So does a
///   request of more than 256 KiB, which is not kept for another attempt.
/// - A server says when to try again with `grpc-retry-pushback-ms`. One [`Throttle`] for all calls of the layer sees to it
///   that a server which fails anyway is not asked more often for it.
///
/// It stands outside of the [`PropagationLayer`](crate::PropagationLayer), which makes each attempt a child of the call:
///
/// ```
/// # use drawbridge_proto::user::user_service_client::UserServiceClient;
/// use drawbridge::{PropagationLayer, RetryLayer, RetryPolicy};
/// use tonic::Code;
/// use tonic::transport::Endpoint;
/// use tower::ServiceBuilder;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let users = ServiceBuilder::new()
///     .layer(RetryLayer::new(RetryPolicy::new(3, [Code::Unavailable])))
///     .layer(PropagationLayer::new())
///     .service(Endpoint::from_static("http://127.0.0.1:50051").connect_lazy());
/// let users = UserServiceClient::new(users);
/// # }
/// ```
///
/// Dropping a call's future ends the attempt under way, or the wait for the next one.
#[derive(Clone, Debug)]
pub struct RetryLayer {
    policy: Arc<RetryPolicy>,
    throttle: SharedThrottle,
}

impl RetryLayer {
    /// Creates the layer for the calls to one server.
    pub fn new(policy: RetryPolicy) -> Self {
        Self { policy: Arc::new(policy), throttle: SharedThrottle::default() }
    }

    /// Sets another throttle than the default one.
    #[must_use]
    pub fn with_throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = SharedThrottle::new(throttle);
        self
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        Retry { inner, layer: self.clone() }
    }
}

/// The service that [`RetryLayer`] makes. Its error is that of the last attempt.
#[derive(Clone, Debug)]
pub struct Retry<S> {
    inner: S,
    layer: RetryLayer,
}

impl<S, B> Service<Request<Body>> for Retry<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Each attempt waits for the channel by itself.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let settings = CallSettings::of(&request);
        Box::pin(attempts(self.inner.clone(), self.layer.clone(), settings, request))
    }
}

/// What holds for a call as a whole.
struct CallSettings {
    parent: Option<CallContext>,
    /// The call's own deadline, that of its parent aside.
    own: Option<Deadline<Instant>>,
}

impl CallSettings {
    fn of(request: &Request<Body>) -> Self {
        let parent = CallContext::current().filter(|_| request.extensions().get::<Detached>().is_none());
        // A malformed timeout is refused further down.
        let own = requested_timeout(request.headers()).unwrap_or_default();
        Self { parent, own: own.and_then(|own| Deadline::after(now(), own)) }
    }

    fn deadline(&self) -> Option<Deadline<Instant>> {
        Deadline::min(self.own, self.parent.as_ref().and_then(CallContext::deadline))
    }
}

async fn attempts<S, B>(
    inner: S,
    layer: RetryLayer,
    settings: CallSettings,
    request: Request<Body>,
) -> Result<Response<Body>, BoxError>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (head, body) = request.into_parts();
    let body = ReplayBody::new(body);
    let mut retries =
        CallRetries::new(&layer.policy, &layer.throttle, settings.parent.as_ref(), settings.deadline());
    loop {
        let mut request = Request::from_parts(head.clone(), body.attempt());
        if retries.previous_attempts() > 0 {
            request
                .headers_mut()
                .insert(GRPC_PREVIOUS_RPC_ATTEMPTS, HeaderValue::from(retries.previous_attempts()));
            if let Some(own) = settings.own {
                request.headers_mut().insert(GRPC_TIMEOUT, header_value(own.remaining(now())));
            }
        }
        let result = inner.clone().oneshot(request).await.map_err(Into::into);
        let failed = match &result {
            Ok(answer) => failure_in(answer.headers()),
            // What the channel says of itself is a failure to reach the server.
            Err(error) => Some(Status::unavailable(error.to_string())),
        };
        let Some(failed) = failed else {
            body.commit();
            retries.on_success();
            return result.map(|answer| answer.map(Body::new));
        };
        match retries.after_failure(&failed, !body.is_whole()) {
            RetryDecision::RetryAfter(backoff) => retries.back_off(backoff).await,
            RetryDecision::OutOfTime { backoff, remaining } => {
                return Ok(retries.out_of_time(backoff, remaining, &failed).into_http());
            }
            RetryDecision::Fail => return result.map(|answer| answer.map(Body::new)),
        }
    }
}
