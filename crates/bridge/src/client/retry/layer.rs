//! Makes the attempts of a client's call.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use drawbridge_core::headers::{GRPC_PREVIOUS_RPC_ATTEMPTS, GRPC_TIMEOUT};
use drawbridge_core::status::failure_in;
use drawbridge_core::{Deadline, RetryPolicy, SharedThrottle, Throttle};
use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use http_body::Body as HttpBody;
use tonic::Status;
use tonic::body::Body;
use tower::{BoxError, Layer, Service, ServiceExt as _};

use super::call_retries::{AfterAttempt, CallRetries};
use super::replay_body::ReplayBody;
use crate::call::{CallContext, now, requested_timeout};
use crate::client::propagation::Detached;
use crate::client::timeout_header::timeout_header;

/// Retries failed calls of a tonic client, as
/// [gRFC A6](https://github.com/grpc/proposal/blob/master/A6-client-retries.md) specifies.
///
/// - **Deadline**: all attempts share the deadline of the call, the smaller of its own (`tonic::Request::set_timeout`) and that
///   of the call whose handler makes it. Each attempt sends what remains of it as `grpc-timeout`. If the deadline would pass
///   before the next attempt starts, the call fails with `DEADLINE_EXCEEDED` at once, and the message names the failure of the
///   last attempt.
/// - **Attempts**: from the second attempt on, `grpc-previous-rpc-attempts` is how many preceded it.
/// - **Commitment**: a call is not retried once the head of a response has arrived, unless the response is trailers-only. A
///   request of more than 256 KiB is not buffered, and so not retried. An error of the inner service counts as `UNAVAILABLE`.
/// - **Pushback**: a server sets the backoff, or forbids a retry, with `grpc-retry-pushback-ms`.
/// - **Throttle**: all calls of the layer share one [`Throttle`], which stops retries to a server that fails most calls.
///
/// Dropping the future of a call ends the current attempt or backoff.
///
/// Put it outside of the [`PropagationLayer`](crate::PropagationLayer), which makes each attempt a child call:
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
#[derive(Clone, Debug)]
pub struct RetryLayer {
    policy: Arc<RetryPolicy>,
    throttle: SharedThrottle,
}

impl RetryLayer {
    /// Creates the layer for the calls to one server, with the default throttle: 10 tokens, of which each retryable failure takes
    /// one, and each success returns a tenth. With half of them or fewer nothing is retried. A server that fails one call in two, by
    /// design of a test for example, needs [another one](Self::with_throttle).
    pub fn new(policy: RetryPolicy) -> Self {
        Self { policy: Arc::new(policy), throttle: SharedThrottle::default() }
    }

    /// Sets the throttle that the calls share.
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
///
/// ```
/// use drawbridge::{Retry, RetryLayer, RetryPolicy};
/// use drawbridge_proto::user::user_service_client::UserServiceClient;
/// use tonic::{Code, transport::Channel};
/// use tower::Layer as _;
///
/// type Users = UserServiceClient<Retry<Channel>>;
///
/// fn users(channel: Channel) -> Users {
///     UserServiceClient::new(RetryLayer::new(RetryPolicy::new(3, [Code::Unavailable])).layer(channel))
/// }
/// ```
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
        // Each attempt waits for the inner service.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let deadlines = CallDeadlines::of(&request);
        Box::pin(send_attempts(self.inner.clone(), self.layer.clone(), deadlines, request))
    }
}

/// The parent of a call, and its deadlines.
struct CallDeadlines {
    parent: Option<CallContext>,
    /// The deadline from the call's own timeout.
    own: Option<Deadline<Instant>>,
}

impl CallDeadlines {
    fn of(request: &Request<Body>) -> Self {
        let parent = CallContext::current().filter(|_| request.extensions().get::<Detached>().is_none());
        // The inner service refuses a malformed timeout.
        let own = requested_timeout(request.headers()).unwrap_or_default();
        Self { parent, own: own.and_then(|own| Deadline::after(now(), own)) }
    }

    fn earliest(&self) -> Option<Deadline<Instant>> {
        Deadline::min(self.own, self.parent.as_ref().and_then(CallContext::deadline))
    }
}

async fn send_attempts<S, B>(
    inner: S,
    layer: RetryLayer,
    deadlines: CallDeadlines,
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
    let (parent, deadline) = (deadlines.parent.as_ref(), deadlines.earliest());
    let mut retries = CallRetries::new(&layer.policy, &layer.throttle, parent, deadline);
    loop {
        let mut request = Request::from_parts(head.clone(), body.attempt());
        if retries.previous_attempts() > 0 {
            let headers = request.headers_mut();
            headers.insert(GRPC_PREVIOUS_RPC_ATTEMPTS, HeaderValue::from(retries.previous_attempts()));
            if let Some(own) = deadlines.own {
                headers.insert(GRPC_TIMEOUT, timeout_header(own.remaining(now())));
            }
        }
        let result = inner.clone().oneshot(request).await.map_err(Into::into);
        let failure = match &result {
            Ok(response) => failure_in(response.headers()),
            Err(error) => Some(Status::unavailable(error.to_string())),
        };
        match retries.after_attempt(failure.as_ref(), !body.can_replay()).await {
            AfterAttempt::Retry => {}
            AfterAttempt::Return => {
                body.commit();
                return result.map(|response| response.map(Body::new));
            }
            AfterAttempt::OutOfTime(status) => return Ok(status.into_http()),
        }
    }
}
