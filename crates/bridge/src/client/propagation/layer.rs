//! What a child call inherits from its parent: the call whose handler makes it.

use std::task::{Context, Poll};

use bytes::Bytes;
use drawbridge_core::Deadline;
use drawbridge_core::headers::{GRPC_TIMEOUT, X_PARENT_CALL_ID, X_REQUEST_ID};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::Status;
use tonic::body::Body;
use tower::{BoxError, Layer, Service};

use super::cancellation::Cancellation;
use super::child_call::ChildCall;
use super::future::PropagationFuture;
use crate::call::{ActivityKind, CallContext, now, requested_timeout};
use crate::client::timeout_header::timeout_header;

/// Propagates deadlines and cancellation from the call of a handler, the parent, to the calls that the handler makes with a
/// tonic client, its children.
///
/// - **Deadline**: the `grpc-timeout` of the child is the smaller of its own timeout (`tonic::Request::set_timeout`) and
///   what remains of the parent's deadline. This layer enforces it as well, until the end of the response body: at the
///   deadline the child's stream is reset, and its status is `DEADLINE_EXCEEDED`. If no time remains, nothing is sent.
/// - **Cancellation**: when the parent ends, for whatever reason, the child's stream is reset, and its status is that of the
///   parent's end. A child that is part of the handler's future or response stream is dropped with it.
/// - **Ids**: `x-request-id` is the parent's, unless the request has one, and `x-parent-call-id` is the parent's call id.
///   With [`without_ids`](Self::without_ids), neither is added.
///
/// A call that is made outside of any call, and one whose request carries [`Detached`], has no parent: it inherits nothing,
/// and only its own timeout is enforced. A call with a malformed `grpc-timeout` is not sent; its status is `INVALID_ARGUMENT`.
///
/// See [gRPC's guide to deadlines](https://grpc.io/docs/guides/deadlines/#deadline-propagation).
///
/// ```
/// # use drawbridge_proto::user::UserRequest;
/// # use drawbridge_proto::user::user_service_client::UserServiceClient;
/// use drawbridge::PropagationLayer;
/// use tonic::transport::Endpoint;
/// use tower::Layer as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let channel = Endpoint::from_static("http://127.0.0.1:50051").connect_lazy();
/// let users = UserServiceClient::new(PropagationLayer::new().layer(channel));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct PropagationLayer {
    without_ids: bool,
}

impl PropagationLayer {
    /// Creates the layer.
    pub const fn new() -> Self {
        Self { without_ids: false }
    }

    /// Adds neither `x-request-id` nor `x-parent-call-id` to child calls. Use it for third-party servers,
    /// which do not need these ids. Default: both are added.
    ///
    /// Deadlines and cancellation are propagated all the same. An `x-request-id` that the request already has is sent.
    ///
    /// ```
    /// use drawbridge::PropagationLayer;
    /// use tonic::transport::Endpoint;
    /// use tower::ServiceBuilder;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let payments = ServiceBuilder::new()
    ///     .layer(PropagationLayer::new().without_ids())
    ///     .service(Endpoint::from_static("http://payments.example:50051").connect_lazy());
    /// # }
    /// ```
    #[must_use]
    pub const fn without_ids(mut self) -> Self {
        self.without_ids = true;
        self
    }
}

impl<S> Layer<S> for PropagationLayer {
    type Service = Propagation<S>;

    fn layer(&self, inner: S) -> Propagation<S> {
        Propagation { inner, without_ids: self.without_ids }
    }
}

/// A request extension that detaches a call from the call whose handler makes it: it inherits no deadline and no ids, and
/// goes on when that call ends.
///
/// ```
/// let mut request = tonic::Request::new(());
/// request.extensions_mut().insert(drawbridge::Detached);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Detached;

/// The service that [`PropagationLayer`] makes. Its errors are those of the inner service.
///
/// ```
/// use drawbridge::{Propagation, PropagationLayer};
/// use drawbridge_proto::user::user_service_client::UserServiceClient;
/// use tonic::transport::Channel;
/// use tower::Layer as _;
///
/// type Users = UserServiceClient<Propagation<Channel>>;
///
/// fn users(channel: Channel) -> Users {
///     UserServiceClient::new(PropagationLayer::new().layer(channel))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Propagation<S> {
    inner: S,
    without_ids: bool,
}

impl<S, B> Service<Request<Body>> for Propagation<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = PropagationFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let now = now();
        let own_timeout = match requested_timeout(request.headers()) {
            Ok(timeout) => timeout,
            Err(malformed) => {
                return PropagationFuture::not_sent(Status::invalid_argument(malformed.to_string()));
            }
        };
        let parent = CallContext::current().filter(|_| request.extensions().get::<Detached>().is_none());
        let own_deadline = own_timeout.and_then(|timeout| Deadline::after(now, timeout));
        let deadline = Deadline::min(own_deadline, parent.as_ref().and_then(CallContext::deadline));
        let cancellation = Cancellation::new(deadline, parent.clone());
        if let Some(cancellation) = cancellation.as_ref().filter(|cancellation| cancellation.is_expired()) {
            return PropagationFuture::not_sent(cancellation.deadline_exceeded());
        }
        if let Some(deadline) = deadline {
            request.headers_mut().insert(GRPC_TIMEOUT, timeout_header(deadline.remaining(now)));
        }
        let activity = parent.map(|parent| {
            if !self.without_ids {
                if !request.headers().contains_key(X_REQUEST_ID) {
                    parent.request_id().write(request.headers_mut());
                }
                parent.call_id().write(request.headers_mut(), X_PARENT_CALL_ID);
            }
            parent.start(ActivityKind::Child { method: request.uri().path().into(), code: None })
        });
        PropagationFuture::new(ChildCall::new(cancellation, activity), self.inner.call(request))
    }
}
