//! The transport that a page uses.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use drawbridge_core::{SharedThrottle, Throttle};
use http::{Request, Response};
use http_body::Frame;
use tonic::Status;
use tower::Service;

#[cfg(target_arch = "wasm32")]
use crate::browser::Browser;
use crate::call_body::CallBody;
use crate::call_options::CallOptions;
use crate::client::{CallFuture, Client};
#[cfg(not(target_arch = "wasm32"))]
use crate::native::Browser;

/// Carries the calls of tonic's generated clients as gRPC-Web over the browser's `fetch`.
///
/// Dropping a call, or its response stream, aborts the request immediately. So does leaving the page, unless the call has
/// [`with_keepalive`](CallOptions::with_keepalive). Clones are cheap and share the connections of the browser, which has
/// six for each origin over HTTP/1.1. The messages of a client-streaming call are collected before the request is sent,
/// because browsers cannot stream requests.
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
/// # Interceptors
///
/// tonic's interceptors work, for example to send a bearer token:
///
/// ```
/// use drawbridge_fetch::Transport;
/// use drawbridge_proto::greet::greeter_client::GreeterClient;
/// use tonic::{Request, Status};
///
/// let add_token = |mut request: Request<()>| {
///     let token = "Bearer some-secret".parse().map_err(|_| Status::internal("malformed token"))?;
///     request.metadata_mut().insert("authorization", token);
///     Ok(request)
/// };
/// let client = GreeterClient::with_interceptor(Transport::new("http://localhost:8080"), add_token);
/// ```
///
/// # Errors
///
/// Every failure is a [`Status`], and a response stream ends with at most one. [`Cause::of`](crate::Cause::of) tells why
/// this transport made it, or that the server sent it.
///
/// # Outside of a browser
///
/// The type exists on every platform, so that a crate for server and page can name it. Where there is no browser, each
/// call fails with `UNIMPLEMENTED`, and its cause is [`Cause::NotInBrowser`](crate::Cause::NotInBrowser). Use tonic's
/// `Channel` there. Workers are supported like pages.
#[derive(Clone, Debug)]
pub struct Transport(Client<Browser>);

impl Transport {
    /// Creates a transport to the server at this URL, such as `https://example.org` or `https://example.org/api`. An empty
    /// URL means the origin of the page. The URL is not checked: calls to a malformed one fail.
    pub fn new(base_url: impl AsRef<str>) -> Self {
        let base = base_url.as_ref().trim_end_matches('/').into();
        Self(Client::new(Browser { base }))
    }

    /// Sets the default options of all calls. A call overrides them with its own [`CallOptions`].
    #[must_use]
    pub fn with_defaults(mut self, defaults: CallOptions) -> Self {
        self.0.defaults = defaults;
        self
    }

    /// Sets the throttle of retries, which this transport and its clones share. The default is [`Throttle::default`].
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

/// A call that waits for its response. Dropping it aborts the request.
#[must_use = "the request is sent when the future is polled"]
pub struct ResponseFuture(CallFuture<CallBody<Browser>>);

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Status>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map_ok(|response| response.map(ResponseBody))
    }
}

/// The body of a response: message bytes as they arrive, and trailers at the end. It never fails: every end of a call is
/// reported in trailers. Dropping it before aborts the request.
///
/// The default body is empty. tonic's interceptors respond with it when they refuse a call.
#[derive(Default)]
pub struct ResponseBody(CallBody<Browser>);

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
