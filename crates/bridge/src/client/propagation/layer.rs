//! What a child call inherits from the call that it serves.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use drawbridge_core::headers::{GRPC_STATUS, GRPC_TIMEOUT, X_PARENT_CALL_ID, X_REQUEST_ID};
use drawbridge_core::status::code_in;
use drawbridge_core::{Deadline, Timeout};
use http::{HeaderName, HeaderValue, Request, Response, header};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tonic::{Code, Status, TimeoutExpired};
use tower::{BoxError, Layer, Service};

use super::body::ChildBody;
use super::bounds::Bounds;
use crate::call::{Activity, ActivityKind, CallContext, now, requested_timeout};

/// Makes the calls of a tonic client children of the call whose handler makes them.
///
/// - The `grpc-timeout` that is sent is the smaller of the child's own (`Request::set_timeout`) and what remains of
///   the parent's. The client keeps that deadline itself as well, over the whole child call: at its end the child's
///   stream is reset and its status is `DEADLINE_EXCEEDED`. With no time left, nothing is sent.
/// - When the parent ends, for whatever reason, the child is reset, and its status is that of the parent's end. A
///   child that a handler waits for is dropped with the handler even before.
/// - The request id goes along, so that the logs of all hops can be read together.
///
/// A call that is made outside any call just goes, and so does one whose request carries [`Detached`]; its own
/// deadline is kept all the same.
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
    _private: (),
}

impl PropagationLayer {
    /// Creates the layer.
    pub const fn new() -> Self {
        Self { _private: () }
    }
}

impl<S> Layer<S> for PropagationLayer {
    type Service = Propagation<S>;

    fn layer(&self, inner: S) -> Propagation<S> {
        Propagation { inner }
    }
}

/// A request extension that keeps a call from inheriting anything: it has its own deadline or none, and lives on when
/// the call that made it ends.
///
/// ```
/// let mut request = tonic::Request::new(());
/// request.extensions_mut().insert(drawbridge::Detached);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Detached;

/// The service that [`PropagationLayer`] makes. Its error is that of the channel below.
#[derive(Clone, Debug)]
pub struct Propagation<S> {
    inner: S,
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
        let own = match requested_timeout(request.headers()) {
            Ok(own) => own,
            Err(malformed) => {
                return PropagationFuture::ended(Status::invalid_argument(malformed.to_string()));
            }
        };
        let parent = CallContext::current().filter(|_| request.extensions().get::<Detached>().is_none());
        let own = own.and_then(|own| Deadline::after(now, own));
        let deadline = Deadline::min(own, parent.as_ref().and_then(CallContext::deadline));
        let bounds = Bounds::new(deadline, parent.clone());
        if let Some(bounds) = bounds.as_ref().filter(|bounds| bounds.expired()) {
            return PropagationFuture::ended(bounds.out_of_time());
        }
        if let Some(deadline) = deadline {
            let remaining = header_value(deadline.remaining(now));
            request.headers_mut().insert(GRPC_TIMEOUT, remaining);
        }
        let working = parent.map(|parent| {
            if !request.headers().contains_key(X_REQUEST_ID) {
                parent.request_id().write(request.headers_mut());
            }
            parent.call_id().write(request.headers_mut(), X_PARENT_CALL_ID);
            parent.start(ActivityKind::Child { method: request.uri().path().into(), code: None })
        });
        PropagationFuture { bounds, working, state: State::Running(Box::pin(self.inner.call(request))) }
    }
}

/// Writes a timeout as the value of a header.
pub(crate) fn header_value(timeout: Timeout) -> HeaderValue {
    HeaderValue::try_from(timeout.to_string())
        .unwrap_or_else(|_| unreachable!("digits and a letter are a valid value"))
}

/// The future of a child call, up to the head of its answer. Dropping it resets the child's stream.
pub struct PropagationFuture<F> {
    /// Moves into the answer's body, as `working` does.
    bounds: Option<Bounds>,
    /// Has the call on its parent's record. `None` for a call without a parent.
    working: Option<Activity>,
    state: State<F>,
}

enum State<F> {
    Running(Pin<Box<F>>),
    /// The call ends with this status, and nothing was sent.
    Ended(Option<Status>),
}

impl<F> PropagationFuture<F> {
    fn ended(status: Status) -> Self {
        Self { bounds: None, working: None, state: State::Ended(Some(status)) }
    }
}

impl<F, B, E> Future for PropagationFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { bounds, working, state } = &mut *self;
        let child = match state {
            State::Running(child) => child,
            State::Ended(status) => match status.take() {
                Some(status) => return Poll::Ready(Ok(status.into_http())),
                None => unreachable!("a future is not polled after it was ready"),
            },
        };
        if let Some(bounds) = bounds
            && let Poll::Ready(status) = bounds.poll(cx)
        {
            // Dropped before anyone is told.
            *state = State::Ended(None);
            came_back(working.take(), status.code());
            return Poll::Ready(Ok(status.into_http()));
        }
        let Poll::Ready(result) = child.as_mut().poll(cx) else { return Poll::Pending };
        *state = State::Ended(None);
        let (bounds, working) = (bounds.take(), working.take());
        Poll::Ready(match (result.map_err(Into::into), bounds) {
            (Ok(answer), bounds) => Ok(begin_answer(answer, bounds, working)),
            // The channel has a timer too, whose status would be CANCELLED.
            (Err(error), Some(bounds)) if is_timeout(&*error) => {
                came_back(working, Code::DeadlineExceeded);
                Ok(bounds.out_of_time().into_http())
            }
            (Err(error), _) => {
                came_back(working, Code::Unavailable);
                Err(error)
            }
        })
    }
}

/// Notes that a call is over, for its parent's record.
fn came_back(working: Option<Activity>, code: Code) {
    if let Some(working) = working {
        working.set_code(code);
    }
}

fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(<dyn Error>::is::<TimeoutExpired>)
}

/// Headers that tell of the child's HTTP answer, and nothing of the call. tonic counts them among the metadata of a
/// status, and a handler that hands the status on would send them as its own.
const ABOUT_HTTP: [HeaderName; 5] =
    [header::CONTENT_LENGTH, header::DATE, header::SERVER, header::VARY, X_REQUEST_ID];

fn begin_answer<B>(
    mut answer: Response<B>,
    bounds: Option<Bounds>,
    working: Option<Activity>,
) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    for name in &ABOUT_HTTP {
        answer.headers_mut().remove(name);
    }
    hold(answer.map(Body::new), bounds, working)
}

/// Has an answer on the record of the call that it is for, to its end.
pub(crate) fn on_record(answer: Response<Body>, working: Option<Activity>) -> Response<Body> {
    hold(answer, None, working)
}

fn hold(answer: Response<Body>, bounds: Option<Bounds>, mut working: Option<Activity>) -> Response<Body> {
    if answer.headers().contains_key(GRPC_STATUS) {
        came_back(working.take(), code_in(answer.headers()));
    }
    if bounds.is_none() && working.is_none() {
        return answer;
    }
    answer.map(|body| Body::new(ChildBody::new(body, bounds, working)))
}
