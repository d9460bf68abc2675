//! The future of a call, up to the head of its response.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use drawbridge_core::EndReason;
use drawbridge_core::status::code_in;
use http::Response;
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::BoxError;

use super::body::CallBody;
use super::context::CallContext;
use super::guard::CallGuard;

pin_project! {
    /// Boxes the response body of a service, and turns an error of the service into a status.
    pub struct BoxBodyFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F> BoxBodyFuture<F> {
    pub(super) fn new(inner: F) -> Self {
        Self { inner }
    }
}

impl<F, B, E> Future for BoxBodyFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match ready!(self.project().inner.poll(cx)) {
            Ok(response) => response.map(Body::new),
            Err(error) => Status::from_error(error.into()).into_http(),
        }))
    }
}

pin_project! {
    /// The future of a call, up to the head of its response. Dropping it drops the handler and ends the call as
    /// [`EndReason::ClientGone`].
    pub struct CallFuture<F> {
        // `None` once the response body has it, or the response is complete.
        guard: Option<CallGuard>,
        #[pin]
        state: State<F>,
    }

    impl<F> PinnedDrop for CallFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // The reason is recorded before the handler's future is dropped, so that its destructors see it.
            if let Some(guard) = this.guard.take() {
                let context = guard.0.clone();
                drop(guard);
                context.scope(|| this.state.set(State::Ended));
                context.handler_stopped();
            }
        }
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Running { #[pin] handler: F },
        Refused { status: Status },
        Ended,
    }
}

impl<F> CallFuture<F> {
    /// Creates the future of a call whose handler runs.
    pub(super) fn running(guard: CallGuard, handler: F) -> Self {
        Self { guard: Some(guard), state: State::Running { handler } }
    }

    /// Creates the future of a call that ends with this status.
    pub(super) fn refused(guard: CallGuard, status: Status) -> Self {
        Self { guard: Some(guard), state: State::Refused { status } }
    }

    /// Creates the future of a call that has ended already.
    pub(super) fn ended(guard: CallGuard) -> Self {
        Self { guard: Some(guard), state: State::Ended }
    }
}

impl<F> Future for CallFuture<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = Result<Response<CallBody>, Infallible>;

    #[expect(
        clippy::inline_always,
        reason = "it moves responses, which costs most where it is a function of its own"
    )]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // Taken for this poll, and put back if the call is still pending.
        let Some(guard) = this.guard.take() else {
            unreachable!("a future is not polled after it was ready");
        };
        let context = &guard.0;
        if context.end_reason().is_none() {
            let polled = context.scope(|| {
                let response = match this.state.as_mut().project() {
                    StateProjection::Running { handler } => {
                        ready!(catch_unwind(AssertUnwindSafe(|| handler.poll(cx))).map_or_else(
                            |_panic| {
                                context.end(EndReason::Panicked);
                                Poll::Ready(None)
                            },
                            |polled| polled.map(Result::ok),
                        ))
                    }
                    StateProjection::Refused { status } => Some(status.clone().into_http()),
                    StateProjection::Ended => None,
                };
                this.state.set(State::Ended);
                Poll::Ready(response.and_then(|response| begin_response(context, response, cx)))
            });
            match polled {
                Poll::Ready(Some(response)) => {
                    return Poll::Ready(Ok(response.map(|body| body.followed_by(guard))));
                }
                // The call ended during this poll: the handler ended it or panicked, or its deadline passed. A response does not count then.
                Poll::Ready(None) => {}
                Poll::Pending => {
                    // The waker is registered before the end is checked, so that an end in between is not missed.
                    context.register(cx.waker());
                    if context.end_reason().is_none() {
                        *this.guard = Some(guard);
                        return Poll::Pending;
                    }
                }
            }
        }
        context.scope(|| this.state.set(State::Ended));
        context.handler_stopped();
        let status = context.end_status();
        let mut response = status.unwrap_or_else(|| Status::new(Code::Unknown, "")).into_http();
        context.request_id().write(response.headers_mut());
        Poll::Ready(Ok(response.map(|()| CallBody::default())))
    }
}

/// Turns the handler's response into that of the call. A trailers-only response completes the
/// call; any other continues in its body. Returns `None` if the call has ended already.
#[inline]
fn begin_response(
    context: &CallContext,
    mut response: Response<Body>,
    cx: &mut Context<'_>,
) -> Option<Response<CallBody>> {
    let complete = response.body().is_end_stream();
    if complete {
        // The handler may have failed because of the same deadline, slightly before the keeper noticed it.
        context.check_deadline();
    }
    if context.end_reason().is_some() {
        return None;
    }
    context.request_id().write(response.headers_mut());
    if complete {
        context.add_trailers(response.headers_mut());
        context.end(EndReason::Completed(code_in(response.headers())));
    }
    Some(response.map(|body| if complete { CallBody::default() } else { CallBody::begin(context, body, cx) }))
}
