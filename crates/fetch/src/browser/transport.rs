//! What a page uses.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use drawbridge_core::SharedThrottle;
use http::{Request, Response};
use http_body::Frame;
use tonic::Status;
use tower::Service;

use super::host::Browser;
use crate::body::Body;
use crate::service::{Client, Opening};
use crate::{CallOptions, Throttle};

/// Carries the calls of tonic's generated clients over the browser's `fetch`, as gRPC-Web.
///
/// Dropping a call, before its answer or with its stream, aborts the request at once; so does leaving the page. Clones
/// are cheap, and any number of calls may run side by side, as far as the browser has connections (six for each
/// origin over HTTP/1.1). A request that streams is gathered before it is sent.
///
/// ```no_run
/// # async fn example() -> Result<(), tonic::Status> {
/// use drawbridge_fetch::Transport;
/// use drawbridge_proto::greet::{HelloRequest, greeter_client::GreeterClient};
///
/// let mut client = GreeterClient::new(Transport::new("http://localhost:8080"));
/// let mut greetings = client.say_hellos(HelloRequest { name: "ada".into() }).await?.into_inner();
/// while let Some(greeting) = greetings.message().await? {
///     // Leaving this loop drops the stream, which ends the call on the server too.
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// Every failure is a [`Status`], and a stream ends with exactly one. [`Cause::of`](crate::Cause::of) tells whether
/// it is the server's own or was made here, and then why.
#[derive(Clone, Debug)]
pub struct Transport(Client<Browser>);

impl Transport {
    /// Creates a transport to the server at this address, such as `https://example.org` or `https://example.org/api`.
    /// The empty address is the origin of the page.
    pub fn new(base_url: impl AsRef<str>) -> Self {
        let base = base_url.as_ref().trim_end_matches('/').into();
        Self(Client::new(Browser { base }))
    }

    /// Sets what holds for every call that does not say otherwise.
    #[must_use]
    pub fn with_defaults(mut self, defaults: CallOptions) -> Self {
        self.0.defaults = defaults;
        self
    }

    /// Sets what keeps the retries of this transport, and of its clones, from adding to the load of a server that fails
    /// already. Without further word it is [`Throttle::default`].
    #[must_use]
    pub fn with_throttle(mut self, throttle: Throttle) -> Self {
        self.0.throttle = SharedThrottle::new(throttle);
        self
    }
}

impl Service<Request<tonic::body::Body>> for Transport {
    type Response = Response<ResponseBody>;
    type Error = Status;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> ResponseFuture {
        ResponseFuture(self.0.call(request))
    }
}

/// A call that waits for its answer. Dropping it aborts the request.
#[must_use = "a call is sent when it is polled"]
pub struct ResponseFuture(Opening<Body<Browser>>);

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Status>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map_ok(|response| response.map(ResponseBody))
    }
}

/// The body of an answer: messages as they come, then trailers. It never fails by itself: however a call ends, the
/// trailers say so. Dropping it before aborts the request.
pub struct ResponseBody(Body<Browser>);

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}
