//! The future of a child call.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use drawbridge_core::headers::X_REQUEST_ID;
use http::{HeaderName, Response, header};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tonic::body::Body;
use tonic::{Code, Status, TimeoutExpired};
use tower::BoxError;

use super::child_call::ChildCall;

/// Headers that describe the HTTP response of the child, and not its call. tonic adds the headers of a failed response to
/// the metadata of its status, and a handler that returns the status would send them as its own.
const HTTP_HEADERS: [HeaderName; 5] =
    [header::CONTENT_LENGTH, header::DATE, header::SERVER, header::VARY, X_REQUEST_ID];

pin_project! {
    /// The future of a child call, until the head of its response. Dropping it resets the stream of the call.
    ///
    /// [`Propagation`](crate::Propagation) returns it. Its output is the response, whose body follows the call to its end, or the
    /// error of the inner service. A call that is cancelled, or not sent, has a trailers-only response with its status.
    ///
    /// ```
    /// use drawbridge::{Propagation, PropagationFuture};
    /// use http::Request;
    /// use tonic::body::Body;
    /// use tonic::transport::channel::{Channel, ResponseFuture};
    /// use tower::Service as _;
    ///
    /// fn send(users: &mut Propagation<Channel>, request: Request<Body>) -> PropagationFuture<ResponseFuture> {
    ///     users.call(request)
    /// }
    /// ```
    pub struct PropagationFuture<F> {
        // Moves into the response body.
        call: ChildCall,
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Running { #[pin] response: F },
        // The call ends with this status. `None` once it was returned.
        Ended { status: Option<Status> },
    }
}

impl<F> PropagationFuture<F> {
    pub(super) const fn new(call: ChildCall, response: F) -> Self {
        Self { call, state: State::Running { response } }
    }

    /// Creates the future of a call that is not sent.
    pub(super) const fn not_sent(status: Status) -> Self {
        Self { call: ChildCall::new(None, None), state: State::Ended { status: Some(status) } }
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

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let response = match this.state.as_mut().project() {
            StateProjection::Running { response } => response,
            StateProjection::Ended { status } => match status.take() {
                Some(status) => return Poll::Ready(Ok(status.into_http())),
                None => unreachable!("a future is not polled after it was ready"),
            },
        };
        if let Poll::Ready(status) = this.call.poll_cancelled(cx) {
            // Resets the stream before the status is returned.
            this.state.set(State::Ended { status: None });
            this.call.take().ended(status.code());
            return Poll::Ready(Ok(status.into_http()));
        }
        let result = ready!(response.poll(cx)).map_err(Into::into);
        this.state.set(State::Ended { status: None });
        let mut call = this.call.take();
        Poll::Ready(match (result, &call.cancellation) {
            (Ok(response), _) => Ok(call.follow(without_http_headers(response))),
            // The channel has a timer of its own, whose status would be CANCELLED.
            (Err(error), Some(cancellation)) if is_timeout(&*error) => {
                let status = cancellation.deadline_exceeded();
                call.ended(status.code());
                Ok(status.into_http())
            }
            (Err(error), _) => {
                call.ended(Code::Unavailable);
                Err(error)
            }
        })
    }
}

fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(<dyn Error>::is::<TimeoutExpired>)
}

fn without_http_headers<B>(mut response: Response<B>) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    for name in &HTTP_HEADERS {
        response.headers_mut().remove(name);
    }
    response.map(Body::new)
}
