//! The tower service that tonic's clients call.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use drawbridge_core::SharedThrottle;
use http::{Request, Response};
use tonic::Status;
use tower::Service;

use crate::CallOptions;
use crate::body::Body;
use crate::call::call;
use crate::host::Host;
use crate::lifeline::Lifeline;

/// A client of one server in any surroundings, with what all its calls have in common.
#[derive(Clone, Debug)]
pub(crate) struct Client<H> {
    pub(crate) host: H,
    pub(crate) defaults: CallOptions,
    /// All calls of the client and of its clones have one.
    pub(crate) throttle: SharedThrottle,
}

impl<H: Host> Client<H> {
    pub(crate) fn new(host: H) -> Self {
        Self { host, defaults: CallOptions::new(), throttle: SharedThrottle::default() }
    }
}

/// A call that waits for its answer. Dropping it aborts the request.
pub(crate) type Opening<B> = Pin<Box<dyn Future<Output = Result<Response<B>, Status>> + Send>>;

impl<H: Host> Service<Request<tonic::body::Body>> for Client<H> {
    type Response = Response<Body<H>>;
    type Error = Status;
    type Future = Opening<Body<H>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    /// Makes a call. Its clock starts now; its request is sent when the future is first polled.
    fn call(&mut self, mut request: Request<tonic::body::Body>) -> Opening<Body<H>> {
        let options = request.extensions_mut().remove::<CallOptions>().unwrap_or_default().or(&self.defaults);
        options.add_metadata(request.headers_mut());
        let deadline = match options.deadline(self.host.now(), request.headers()) {
            Ok(deadline) => deadline,
            Err(status) => return Box::pin(std::future::ready(Err(status))),
        };
        let life = Lifeline::begin(self.host.clone(), &options, deadline);
        Box::pin(call(life, options, self.throttle.clone(), request))
    }
}
