//! The service of one connection: counts its requests, and tells the service inside where they come from.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use futures_util::future::Either;
use http::{HeaderValue, Request, Response, Version, header};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper::service::Service as HyperService;
use pin_project_lite::pin_project;
use tower::util::Oneshot;
use tower::{Service, ServiceExt as _};

use super::activity::{Activity, OpenRequest, TrackedBody};
use super::connection_info::ConnectionInfo;

/// The service of one connection.
pub(super) struct ConnectionService<S> {
    /// Called by one task, which never calls it while it calls it.
    inner: RefCell<S>,
    info: ConnectionInfo,
    activity: Arc<Activity>,
    /// Whether the client connected while the server drained.
    is_late: bool,
}

impl<S> ConnectionService<S> {
    pub(super) fn new(inner: S, info: ConnectionInfo, activity: Arc<Activity>, is_late: bool) -> Self {
        Self { inner: RefCell::new(inner), info, activity, is_late }
    }
}

impl<S, B> HyperService<Request<Incoming>> for ConnectionService<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone,
    B: HttpBody,
{
    type Response = Response<TrackedBody<B>>;
    type Error = Infallible;
    type Future = ConnectionFuture<S>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let open = self.activity.request_began();
        self.info.extend(request.extensions_mut());
        // hyper says so by itself, but not if it learns of the end after the response.
        let closes = self.is_late && request.version() < Version::HTTP_2;
        let mut inner = self.inner.borrow_mut();
        // Most services are always ready.
        let inner = match inner.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Either::Left(inner.call(request)),
            _ => Either::Right(Box::pin(inner.clone().oneshot(request))),
        };
        ConnectionFuture { inner, open: Some(open), closes }
    }
}

pin_project! {
    /// The future of a response.
    pub(super) struct ConnectionFuture<S: Service<Request<Incoming>>> {
        #[pin]
        inner: Either<S::Future, Pin<Box<Oneshot<S, Request<Incoming>>>>>,
        // `None` when the response is there.
        open: Option<OpenRequest>,
        closes: bool,
    }
}

impl<S, B> Future for ConnectionFuture<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: HttpBody,
{
    type Output = Result<Response<TrackedBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(mut response) = ready!(this.inner.poll(cx));
        if *this.closes {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let open = this.open.take().expect("a future is not polled after its end");
        Poll::Ready(Ok(response.map(|body| TrackedBody::new(body, open))))
    }
}
