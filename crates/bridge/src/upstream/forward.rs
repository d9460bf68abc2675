//! Forwards a call: sends it to its upstream, and makes the answer its own.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use drawbridge_core::headers::GRPC_STATUS;
use futures_util::future::{BoxFuture, Either};
use h2::SendStream;
use h2::client::ResponseFuture;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version, header};
use hyper::service::Service;
use tonic::Status;
use tonic::body::Body;

use super::failure::{Failure, was_refused};
use super::headers;
use super::lease::{Lease, Stage};
use super::pool::Pool;
use super::request_body::{Interrupted, RequestBody};
use super::response_body::{ResponseBody, end_call};
use super::retry;
use super::retry_rules::Retries;
use super::routes::Route;
use super::trusted_proxies::TrustedProxies;
use crate::call::CallContext;
use crate::client::MAX_REPLAY_BYTES;

/// How often a call is sent that upstreams refuse without looking at it.
const MOST_SENT: usize = 3;

/// How many connections a call finds to be at their end before it is told that there is none for it.
const MOST_UNSENT: usize = 16;

/// How many bytes of its messages are kept, for a call that is refused and so may be sent again.
const KEPT: usize = 64 * 1024;

/// A service that forwards the calls which have a [`Route`], and leaves all others to the one below.
#[derive(Clone, Debug)]
pub(crate) struct Forward<S> {
    inner: S,
    proxies: TrustedProxies,
    retries: Retries,
}

impl<S> Forward<S> {
    pub(crate) fn new(inner: S, proxies: TrustedProxies, retries: Retries) -> Self {
        Self { inner, proxies, retries }
    }
}

impl<S> Service<Request<Body>> for Forward<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<Body>, Infallible>>>;

    fn call(&self, mut request: Request<Body>) -> Self::Future {
        let Some(route) = request.extensions_mut().remove::<Route>() else {
            return Either::Left(self.inner.call(request));
        };
        let peer = self.proxies.peer(&request);
        let policy = self.retries.find(request.uri().path());
        Either::Right(Box::pin(async move {
            let Route::To(pool) = route else { return Ok(closed(request.uri()).into_http()) };
            let context = CallContext::current();
            let (mut head, body) = request.into_parts();
            headers::forward(&mut head.headers, context.as_ref(), peer.as_ref());
            let kept = if policy.is_some() { MAX_REPLAY_BYTES } else { KEPT };
            let upload = RequestBody::new(body, kept);
            let mut call = Call { pool, uri: head.uri, headers: head.headers, upload, context };
            let answer = match policy {
                None => call.send().await,
                // Apart, so that the calls without one need no room for it.
                Some(policy) => Box::pin(retry::by_policy(call, &policy)).await,
            };
            Ok(answer.unwrap_or_else(|failure| {
                end_call(failure);
                // The call has ended, and its end is what the caller gets.
                Response::new(Body::empty())
            }))
        }))
    }
}

fn closed(uri: &Uri) -> Status {
    let path = uri.path();
    Status::unimplemented(format!(
        "{path:?} is not forwarded: it is an administrative service, which this server does not expose"
    ))
}

/// A call that is to be forwarded, as each attempt at it needs it.
pub(super) struct Call {
    pub(super) pool: Arc<Pool>,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) upload: RequestBody,
    /// `None` for a call of the bridge's own.
    pub(super) context: Option<CallContext>,
}

impl Call {
    /// Creates a call of the bridge's own.
    pub(super) fn own(pool: Arc<Pool>, request: Request<Body>) -> Self {
        let (head, body) = request.into_parts();
        Self {
            pool,
            uri: head.uri,
            headers: head.headers,
            upload: RequestBody::new(body, KEPT),
            context: None,
        }
    }

    /// Sends the call until an upstream has looked at it, and returns the answer.
    pub(super) async fn send(&mut self) -> Result<Response<Body>, Failure> {
        let (mut sent, mut unsent) = (1, 0);
        loop {
            let mut lease = Lease::acquire(&self.pool).await?;
            let request = request_to(&lease, &self.uri, self.headers.clone());
            let sending = lease.connection().sender.clone().send_request(request, self.upload.is_empty());
            let (answer, mut stream) = match sending {
                Ok(sending) => sending,
                Err(error) => {
                    // The upstream has said GOAWAY, which is noticed here: nothing was sent, and another connection
                    // will do.
                    self.pool.retire(lease.connection());
                    unsent += 1;
                    if unsent == MOST_UNSENT {
                        return Err(lease.failure(&error));
                    }
                    continue;
                }
            };
            lease.stage = Stage::Sent;
            self.context.as_ref().inspect(|call| call.sent_to(self.pool.names(), lease.connection().address));
            match exchange(answer, &mut stream, &mut self.upload).await {
                Ok(answer) => {
                    self.context.as_ref().inspect(|call| call.response_began());
                    return self.begin_answer(answer, stream, lease);
                }
                Err(Exchange::Unreadable(status)) => return Ok(status.into_http()),
                Err(Exchange::Failed(error)) => {
                    lease.stage = Stage::Over;
                    if !was_refused(&error) || sent == MOST_SENT || !self.rewind() {
                        return Err(lease.failure(&error));
                    }
                }
            }
            sent += 1;
        }
    }

    /// Makes the head of an upstream's answer that of the call.
    fn begin_answer(
        &mut self,
        answer: Response<h2::RecvStream>,
        mut stream: SendStream<Bytes>,
        mut lease: Lease,
    ) -> Result<Response<Body>, Failure> {
        lease.connection().hear();
        let (mut head, body) = answer.into_parts();
        let has_status = head.headers.contains_key(GRPC_STATUS);
        let is_over = body.is_end_stream();
        lease.stage = if is_over { Stage::Over } else { Stage::Responding };
        if !has_status && (head.status != StatusCode::OK || !is_grpc(&head.headers)) {
            return Err(Failure::of_http(lease.authority(), head.status));
        }
        headers::answer(&mut head.headers);
        head.status = StatusCode::OK;
        head.version = Version::default();
        if is_over {
            if !has_status {
                return Err(Failure::no_status(lease.authority()));
            }
            return Ok(Response::from_parts(head, Body::empty()));
        }
        // The status of an answer that goes on is the one at its end.
        if has_status {
            headers::without_status(&mut head.headers);
        }
        self.upload.commit();
        let upload = (!self.upload.is_over()).then(|| {
            let mut upload = self.upload.take();
            // In a task of its own: the answer is not asked for while its caller does not read, and the caller may well
            // write before it reads.
            let rest = async move { drop(poll_fn(|cx| upload.poll(cx, &mut stream)).await) };
            tokio::spawn(rest).abort_handle()
        });
        Ok(Response::from_parts(
            head,
            Body::new(ResponseBody::new(body, lease, upload, self.context.is_none())),
        ))
    }

    /// Makes the call ready to be sent again, with the time that remains, and tells whether it can be.
    pub(super) fn rewind(&mut self) -> bool {
        if let Some(context) = &self.context {
            headers::stamp(&mut self.headers, context);
        }
        self.upload.rewind()
    }
}

enum Exchange {
    Failed(h2::Error),
    Unreadable(Status),
}

/// Sends messages until the answer's head is there.
async fn exchange(
    mut answer: ResponseFuture,
    stream: &mut SendStream<Bytes>,
    upload: &mut RequestBody,
) -> Result<Response<h2::RecvStream>, Exchange> {
    let mut unwanted = upload.is_over();
    poll_fn(|cx| {
        if !unwanted {
            match upload.poll(cx, stream) {
                Poll::Ready(Err(Interrupted::Unreadable(status))) => {
                    return Poll::Ready(Err(Exchange::Unreadable(status)));
                }
                Poll::Ready(Ok(()) | Err(Interrupted::Unwanted)) => unwanted = true,
                Poll::Pending => {}
            }
        }
        Pin::new(&mut answer).poll(cx).map_err(Exchange::Failed)
    })
    .await
}

fn request_to(lease: &Lease, uri: &Uri, headers: HeaderMap) -> Request<()> {
    let address = lease.pool.address(lease.connection());
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(address.scheme.clone());
    parts.authority = Some(address.authority.clone());
    parts.path_and_query = uri.path_and_query().cloned();
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    // All three parts are there.
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    *request.headers_mut() = headers;
    request
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}
