//! Forwards a call: sends it to its upstream, and makes the answer its own.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either};
use h2::SendStream;
use h2::client::ResponseFuture;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version, header};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use super::answer::{Answer, end_call};
use super::failure::{Failure, was_refused};
use super::headers;
use super::lease::{Lease, Stage};
use super::peer::TrustedProxies;
use super::pool::Pool;
use super::routes::Route;
use super::upload::{Interrupted, Upload};
use crate::call::CallContext;

/// How often a call is sent that upstreams refuse without looking at it.
const MOST_ATTEMPTS: usize = 3;

/// How many connections a call finds to be at their end before it is told that there is none for it.
const MOST_UNSENT: usize = 16;

/// A service that forwards the calls which have a [`Route`], and leaves all others to the one below.
#[derive(Clone, Debug)]
pub(crate) struct Forward<S> {
    inner: S,
    proxies: TrustedProxies,
}

impl<S> Forward<S> {
    pub(crate) fn new(inner: S, proxies: TrustedProxies) -> Self {
        Self { inner, proxies }
    }
}

impl<S> Service<Request<Body>> for Forward<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(route) = request.extensions_mut().remove::<Route>() else {
            return Either::Left(self.inner.call(request));
        };
        let peer = self.proxies.peer(&request);
        Either::Right(Box::pin(async move {
            let Route::To(pool) = route else { return Ok(closed(request.uri()).into_http()) };
            let context = CallContext::current();
            let (mut head, body) = request.into_parts();
            headers::forward(&mut head.headers, context.as_ref(), peer.as_ref());
            Ok(forward(&pool, context.as_ref(), &head.uri, head.headers, Upload::new(body))
                .await
                .unwrap_or_else(|failure| {
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
        "{path:?} is not forwarded: the bridge keeps such services to itself, unless --expose names them"
    ))
}

/// Sends a call until an upstream has looked at it, and returns the answer.
async fn forward(
    pool: &Arc<Pool>,
    call: Option<&CallContext>,
    uri: &Uri,
    headers: HeaderMap,
    mut upload: Upload,
) -> Result<Response<Body>, Failure> {
    let (mut attempt, mut unsent) = (1, 0);
    loop {
        let mut lease = pool.lease().await?;
        let request = request_to(&lease, uri, headers.clone());
        let sent = lease.connection.sender.clone().send_request(request, upload.is_empty());
        let (answer, mut stream) = match sent {
            Ok(sent) => sent,
            Err(error) => {
                // The upstream has said GOAWAY, which is noticed here: nothing was sent, and another connection will do.
                pool.retire(&lease.connection);
                unsent += 1;
                if unsent == MOST_UNSENT {
                    return Err(lease.failure(&error));
                }
                continue;
            }
        };
        lease.stage = Stage::Sent;
        call.inspect(|call| call.sent_to(pool.names(), lease.connection.address));
        match exchange(answer, &mut stream, &mut upload).await {
            Ok(answer) => {
                call.inspect(|call| call.answer_began());
                return begin_answer(answer, stream, lease, upload);
            }
            Err(Exchange::Unreadable(status)) => return Ok(status.into_http()),
            Err(Exchange::Failed(error)) => {
                lease.stage = Stage::Over;
                if !was_refused(&error) || attempt == MOST_ATTEMPTS || !upload.rewind() {
                    return Err(lease.failure(&error));
                }
            }
        }
        attempt += 1;
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
    upload: &mut Upload,
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
    let address = lease.pool.address(&lease.connection);
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

/// Makes the head of an upstream's answer that of the call.
fn begin_answer(
    answer: Response<h2::RecvStream>,
    mut stream: SendStream<Bytes>,
    mut lease: Lease,
    mut upload: Upload,
) -> Result<Response<Body>, Failure> {
    upload.commit();
    lease.connection.hear();
    let (mut head, body) = answer.into_parts();
    let has_status = head.headers.contains_key(Status::GRPC_STATUS);
    let is_over = body.is_end_stream();
    lease.stage = if is_over { Stage::Over } else { Stage::Answering };
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
    let upload = (!upload.is_over()).then(|| {
        // In a task of its own: the answer is not asked for while its caller does not read, and the caller may well
        // write before it reads.
        let rest = async move { drop(poll_fn(|cx| upload.poll(cx, &mut stream)).await) };
        tokio::spawn(rest).abort_handle()
    });
    Ok(Response::from_parts(head, Body::new(Answer::new(body, lease, upload))))
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}
