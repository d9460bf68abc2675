//! Opens a context around every call, and follows the call's future.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use axum::extract::ConnectInfo;
use drawbridge_core::headers::text::{GRPC_PREVIOUS_RPC_ATTEMPTS, GRPC_TIMEOUT};
use drawbridge_core::{EndReason, ParseTimeoutError, Timeout};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Body as _;
use hyper::service::Service;
use pin_project_lite::pin_project;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Layer;

use super::body::CallBody;
use super::context::{CallContext, Facts, now};
use super::deadline::DeadlinePolicy;
use super::id::CallId;
use super::registry::Calls;
use super::request_id::{REQUEST_ID, RequestId};
use crate::front::arrival::Arrival;

// As names and not as text, which would be parsed at each look.
pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
pub(crate) const TIMEOUT: HeaderName = HeaderName::from_static(GRPC_TIMEOUT);
pub(crate) const PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static(GRPC_PREVIOUS_RPC_ATTEMPTS);

/// The header in which a child call names the call that it serves.
pub(crate) const X_PARENT_CALL_ID: HeaderName = HeaderName::from_static(PARENT_CALL_ID);
const PARENT_CALL_ID: &str = "x-parent-call-id";

/// How many bytes of a path are kept. Whoever calls it chooses its length.
const MOST_OF_METHOD: usize = 256;

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
    type Response = Response<CallBody>;
    type Error = Infallible;
    type Future = CallFuture<S::Future>;

    fn call(&self, mut request: Request<Body>) -> Self::Future {
        let now = now();
        let Brought { timeout: asked, request_id, parent, previous_attempts } =
            Brought::by(request.headers());
        let deadline = self.layer.deadlines.grant(now, asked.as_ref().copied().unwrap_or_default());
        let arrival = request.extensions().get::<Arrival>();
        let protocol = arrival.map(|arrival| arrival.protocol).unwrap_or_default();
        let is_hosted = arrival.is_none_or(|arrival| arrival.route.is_none());
        let facts = Facts {
            call_id: LazyLock::new(CallId::random),
            request_id,
            parent: parent.map(Box::new),
            method: method(request.uri().path()),
            peer: request.extensions().get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| *peer),
            protocol,
            asked: asked.as_ref().copied().unwrap_or_default(),
            deadline,
            previous_attempts,
        };
        let context = CallContext::open(facts, now, &self.layer.calls);
        let guard = CallGuard(context.clone());
        if let Err(malformed) = asked {
            return CallFuture::refused(guard, Status::invalid_argument(malformed.to_string()));
        }
        if let Some(deadline) = deadline.filter(|deadline| deadline.expired(now)) {
            context.end(EndReason::DeadlineExceeded { granted: deadline.granted() });
            return CallFuture { guard: Some(guard), state: State::Ended };
        }
        // From here on the deadline is kept.
        if let Err(status) = self.layer.calls.add(context.clone()) {
            return CallFuture::refused(guard, status);
        }
        if is_hosted {
            // For its handler. What forwards calls knows them otherwise.
            request.extensions_mut().insert(context.clone());
        }
        // Not in the call's scope yet: what is below calls the hosted service when it is polled.
        let handler = self.inner.call(request);
        CallFuture { guard: Some(guard), state: State::Running { handler } }
    }
}

/// Returns the path of a request, as far as it is worth keeping.
fn method(path: &str) -> Box<str> {
    path[..path.floor_char_boundary(MOST_OF_METHOD)].into()
}

/// Reads the time that a call asks for.
pub(crate) fn asked_timeout(headers: &HeaderMap) -> Result<Option<Timeout>, ParseTimeoutError> {
    parsed_timeout(headers.get(TIMEOUT))
}

fn parsed_timeout(value: Option<&HeaderValue>) -> Result<Option<Timeout>, ParseTimeoutError> {
    let Some(value) = value else { return Ok(None) };
    // A text that is none is refused by its looks.
    value.to_str().map_or_else(|_| String::from_utf8_lossy(value.as_bytes()).parse(), str::parse).map(Some)
}

/// What a call brings along about itself.
struct Brought {
    timeout: Result<Option<Timeout>, ParseTimeoutError>,
    request_id: RequestId,
    parent: Option<CallId>,
    previous_attempts: u32,
}

impl Brought {
    /// Reads it from the head of a request, in one pass: a look-up for each would cost more than all of them are worth.
    /// A timeout that cannot be read is an error; anything else is then as if it were not there.
    fn by(headers: &HeaderMap) -> Self {
        let (mut timeout, mut request_id, mut parent, mut previous) = (None, None, None, None);
        for (name, value) in headers {
            let found = match name.as_str() {
                GRPC_TIMEOUT => &mut timeout,
                REQUEST_ID => &mut request_id,
                PARENT_CALL_ID => &mut parent,
                GRPC_PREVIOUS_RPC_ATTEMPTS => &mut previous,
                _ => continue,
            };
            found.get_or_insert(value);
        }
        Self {
            timeout: parsed_timeout(timeout),
            request_id: RequestId::of(request_id),
            parent: parsed(parent),
            previous_attempts: parsed(previous).unwrap_or_default(),
        }
    }
}

fn parsed<T: FromStr>(value: Option<&HeaderValue>) -> Option<T> {
    value?.to_str().ok()?.parse().ok()
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

pin_project! {
    /// The future of a call, up to the head of its answer. Dropping it drops the handler and ends the call.
    pub(crate) struct CallFuture<F> {
        // `None` once the answer's body has it, or the answer is complete.
        guard: Option<CallGuard>,
        #[pin]
        state: State<F>,
    }

    impl<F> PinnedDrop for CallFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // The reason is on record before the handler's own drops run.
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
    fn refused(guard: CallGuard, status: Status) -> Self {
        Self { guard: Some(guard), state: State::Refused { status } }
    }
}

impl<F> Future for CallFuture<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = Result<Response<CallBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // Taken out while the call is worked on, and put back where it goes on.
        let Some(guard) = this.guard.take() else {
            unreachable!("a future is not polled after it was ready");
        };
        let context = &guard.0;
        if context.end_reason().is_none() {
            let polled = context.scope(|| {
                let answer = match this.state.as_mut().project() {
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
                Poll::Ready(answer.and_then(|answer| begin_answer(context, answer, cx)))
            });
            match polled {
                Poll::Ready(Some(answer)) => {
                    return Poll::Ready(Ok(answer.map(|body| body.followed_by(guard))));
                }
                // The handler ended the call during this very poll; what it returned then does not count.
                Poll::Ready(None) => {}
                Poll::Pending => {
                    // Registered before the look at the end, so that no end falls between the two.
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
        let status = context.end_reason().and_then(EndReason::status);
        let mut answer = status.unwrap_or_else(|| Status::new(Code::Unknown, "")).into_http();
        context.request_id().write(answer.headers_mut());
        Poll::Ready(Ok(answer.map(|()| CallBody::default())))
    }
}

/// Turns the handler's answer into that of the call: trailers-only is complete as it is, and any other goes on in its
/// body. Returns `None` if the call has ended before.
fn begin_answer(
    context: &CallContext,
    mut answer: Response<Body>,
    cx: &mut Context<'_>,
) -> Option<Response<CallBody>> {
    // A failure is an answer without a body; any other has its end there.
    let complete = answer.body().is_end_stream();
    if complete {
        context.check_deadline();
    }
    if context.end_reason().is_some() {
        return None;
    }
    context.request_id().write(answer.headers_mut());
    if complete {
        context.add_trailers(answer.headers_mut());
        context.end(EndReason::Completed(code_in(answer.headers())));
    }
    Some(answer.map(|body| if complete { CallBody::default() } else { CallBody::begin(context, body, cx) }))
}

/// Reads the code that ends an answer. An answer that names none ends in UNKNOWN.
pub(crate) fn code_in(trailers: &HeaderMap) -> Code {
    trailers.get(GRPC_STATUS).map_or(Code::Unknown, |value| Code::from_bytes(value.as_bytes()))
}
