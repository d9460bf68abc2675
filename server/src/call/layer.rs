//! Opens a context around every call, and follows the call's future.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::ConnectInfo;
use drawbridge_call::{EndReason, GRPC_TIMEOUT, ParseTimeoutError, Timeout};
use http::{HeaderMap, Request, Response};
use http_body::Body as _;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::body::CallBody;
use super::context::{CallContext, Facts, now};
use super::deadline::{DeadlinePolicy, start_timer};
use super::id::CallId;
use super::registry::Calls;
use super::request_id::RequestId;
use crate::front::content_type::FrontProtocol;

/// Puts a [`CallContext`] around every call of the service below.
#[derive(Clone, Debug)]
pub(crate) struct CallLayer {
    pub(crate) calls: Calls,
    pub(crate) deadlines: DeadlinePolicy,
}

impl<S> Layer<S> for CallLayer {
    type Service = CallService<S>;

    fn layer(&self, inner: S) -> CallService<S> {
        CallService { inner, layer: self.clone() }
    }
}

/// The service that [`CallLayer`] makes.
#[derive(Clone, Debug)]
pub(crate) struct CallService<S> {
    inner: S,
    layer: CallLayer,
}

impl<S> Service<Request<Body>> for CallService<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = CallFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let now = now();
        let asked = asked_timeout(request.headers());
        let deadline = self.layer.deadlines.grant(now, asked.as_ref().copied().unwrap_or_default());
        let facts = Facts {
            call_id: CallId::random(),
            request_id: RequestId::of(request.headers()),
            method: request.uri().path().into(),
            peer: request.extensions().get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| *peer),
            protocol: request.extensions().get().copied().unwrap_or(FrontProtocol::Grpc),
            deadline,
        };
        let context = CallContext::open(facts, self.layer.calls.clone());
        let guard = CallGuard(context.clone());
        if let Err(status) = self.layer.calls.add(context.clone()) {
            return CallFuture::refused(guard, status);
        }
        if let Err(malformed) = asked {
            return CallFuture::refused(guard, Status::invalid_argument(malformed.to_string()));
        }
        if let Some(deadline) = deadline {
            if deadline.expired(now) {
                context.end(EndReason::DeadlineExceeded { granted: deadline.granted() });
                return CallFuture { guard: Some(guard), state: State::Ended };
            }
            start_timer(&context, deadline);
        }
        request.extensions_mut().insert(context.clone());
        let handler = context.scope(|| Box::pin(self.inner.call(request)));
        CallFuture { guard: Some(guard), state: State::Running(handler) }
    }
}

/// Reads the time that a call asks for.
pub(crate) fn asked_timeout(headers: &HeaderMap) -> Result<Option<Timeout>, ParseTimeoutError> {
    let Some(value) = headers.get(GRPC_TIMEOUT) else { return Ok(None) };
    String::from_utf8_lossy(value.as_bytes()).parse().map(Some)
}

/// Follows a call until it has ended, first in its future and then in its answer's body. Dropped before that, it
/// records that the caller has gone: nothing else drops an open call.
#[derive(Debug)]
pub(crate) struct CallGuard(pub(crate) CallContext);

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.0.end(EndReason::ClientGone);
    }
}

/// The future of a call, up to the head of its answer. Dropping it drops the handler and ends the call.
pub(crate) struct CallFuture<F> {
    /// `None` once the answer's body has it, or the answer is complete.
    guard: Option<CallGuard>,
    state: State<F>,
}

enum State<F> {
    Running(Pin<Box<F>>),
    Refused(Status),
    Ended,
}

impl<F> CallFuture<F> {
    fn refused(guard: CallGuard, status: Status) -> Self {
        Self { guard: Some(guard), state: State::Refused(status) }
    }
}

impl<F> Future for CallFuture<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(CallGuard(context)) = &this.guard else {
            unreachable!("a future is not polled after it was ready");
        };
        let context = context.clone();
        context.register(cx.waker());
        if context.end_reason().is_none() {
            let polled = match &mut this.state {
                State::Running(handler) => {
                    context.scope(|| catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx))))
                }
                State::Refused(status) => Ok(Poll::Ready(Ok(status.clone().into_http()))),
                State::Ended => return Poll::Pending,
            };
            match polled {
                Ok(Poll::Pending) if context.end_reason().is_none() => return Poll::Pending,
                Ok(Poll::Ready(Ok(answer))) if context.end_reason().is_none() => {
                    this.drop_handler(&context);
                    return Poll::Ready(Ok(this.begin_answer(&context, answer)));
                }
                // The handler ended the call during this very poll; what it returned then does not count.
                Ok(_) => {}
                Err(_panic) => {
                    context.end(EndReason::Panicked);
                }
            }
        }
        this.drop_handler(&context);
        let status = context.end_reason().and_then(EndReason::status);
        this.guard = None;
        let mut answer = status.unwrap_or_else(|| Status::new(Code::Unknown, "")).into_http();
        context.request_id().write(answer.headers_mut());
        Poll::Ready(Ok(answer))
    }
}

impl<F> CallFuture<F> {
    /// Turns the handler's answer into that of the call: trailers-only is complete as it is, and any other goes on
    /// in its body.
    fn begin_answer(&mut self, context: &CallContext, mut answer: Response<Body>) -> Response<Body> {
        let guard = self.guard.take();
        context.request_id().write(answer.headers_mut());
        if answer.body().is_end_stream() {
            context.end(EndReason::Completed(code_in(answer.headers())));
            return answer;
        }
        let (head, body) = answer.into_parts();
        context.put_body(body);
        Response::from_parts(head, guard.map_or_else(Body::empty, |guard| Body::new(CallBody::new(guard))))
    }

    fn drop_handler(&mut self, context: &CallContext) {
        let state = std::mem::replace(&mut self.state, State::Ended);
        context.scope(|| drop(state));
    }
}

impl<F> Drop for CallFuture<F> {
    fn drop(&mut self) {
        // The reason is on record before the handler's own drops run.
        if let Some(guard) = self.guard.take() {
            let context = guard.0.clone();
            drop(guard);
            self.drop_handler(&context);
        }
    }
}

/// Reads the code that ends an answer. An answer that names none ends in UNKNOWN.
pub(crate) fn code_in(trailers: &HeaderMap) -> Code {
    trailers.get("grpc-status").map_or(Code::Unknown, |value| Code::from_bytes(value.as_bytes()))
}
