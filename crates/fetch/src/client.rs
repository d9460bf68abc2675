//! The tower service that tonic's clients call.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use drawbridge_core::SharedThrottle;
use http::{Request, Response};
use tonic::Status;
use tower::Service;

use crate::call::call;
use crate::call_body::CallBody;
use crate::call_options::CallOptions;
use crate::guard::CallGuard;
use crate::platform::Platform;

/// A client of one server, on any platform.
#[derive(Clone, Debug)]
pub(crate) struct Client<P> {
    pub(crate) platform: P,
    /// The options of calls that do not set their own.
    pub(crate) defaults: CallOptions,
    /// The throttle of all calls of this client and its clones.
    pub(crate) throttle: SharedThrottle,
}

impl<P: Platform> Client<P> {
    pub(crate) fn new(platform: P) -> Self {
        Self { platform, defaults: CallOptions::new(), throttle: SharedThrottle::default() }
    }
}

/// A call that waits for its response. Dropping it aborts the request.
pub(crate) type CallFuture<B> = Pin<Box<dyn Future<Output = Result<Response<B>, Status>> + Send>>;

impl<P: Platform> Service<Request<tonic::body::Body>> for Client<P> {
    type Response = Response<CallBody<P>>;
    type Error = Status;
    type Future = CallFuture<CallBody<P>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    /// Starts a call and its timeout. The request is sent when the future is first polled.
    fn call(&mut self, mut request: Request<tonic::body::Body>) -> CallFuture<CallBody<P>> {
        let options = request.extensions_mut().remove::<CallOptions>().unwrap_or_default().or(&self.defaults);
        options.add_metadata(request.headers_mut());
        let deadline = self
            .platform
            .check_available()
            .and_then(|()| options.deadline(self.platform.now(), request.headers()));
        let deadline = match deadline {
            Ok(deadline) => deadline,
            Err(status) => return Box::pin(std::future::ready(Err(status))),
        };
        let guard = CallGuard::start(self.platform.clone(), &options, deadline);
        Box::pin(call(guard, options, self.throttle.clone(), request))
    }
}
