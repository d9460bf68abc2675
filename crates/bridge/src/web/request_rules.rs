//! Rules for the messages of a request to a hosted service.
//!
//! tonic decodes messages and is lenient around them: a second message to a unary method is ignored, no message at all is
//! INTERNAL, a message that ends right behind its prefix counts as a clean end, and one that is too long is
//! `OUT_OF_RANGE`. Here the prefixes are read as they pass. Each violation gets the code of the gRPC specification, and a
//! length is checked before anything of that length is stored.

use std::convert::Infallible;
use std::sync::Arc;

use http::Request;
use hyper::service::Service;
use tonic::Status;
use tonic::body::Body;

use crate::body::{BodyEnd, FrameInspector, InspectedBody, MessageRules};
use crate::method_kinds::MethodKinds;

/// Checks the messages of each request. The body ends in an error at the first violation, which tonic makes the status of
/// the call.
#[derive(Clone, Debug)]
pub(crate) struct RequestRules<S> {
    inner: S,
    kinds: Arc<MethodKinds>,
    max_message_bytes: u32,
}

impl<S> RequestRules<S> {
    pub(crate) fn new(inner: S, kinds: Arc<MethodKinds>, max_message_bytes: u32) -> Self {
        Self { inner, kinds, max_message_bytes }
    }
}

impl<S> Service<Request<Body>> for RequestRules<S>
where
    S: Service<Request<Body>, Error = Infallible>,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = S::Future;

    fn call(&self, request: Request<Body>) -> S::Future {
        let inspector = RulesInspector {
            one_message: self.kinds.takes_one_message(request.uri().path()),
            messages: MessageRules::new(self.max_message_bytes),
        };
        self.inner.call(request.map(|body| Body::new(InspectedBody::new(body, inspector))))
    }
}

/// Applies the rules to the frames of one request.
struct RulesInspector {
    one_message: bool,
    messages: MessageRules,
}

impl FrameInspector for RulesInspector {
    fn on_data(&mut self, data: &[u8]) -> Result<(), Status> {
        self.messages.on_data(data)?;
        if self.one_message && self.messages.messages() > 1 {
            return Err(Status::unimplemented("more than one message to a method that takes one"));
        }
        Ok(())
    }

    fn on_end(&mut self, end: BodyEnd<'_>) -> Result<(), Status> {
        if let BodyEnd::Failed(_) = end {
            return Ok(());
        }
        self.messages.on_end()?;
        if self.one_message && self.messages.messages() == 0 {
            return Err(Status::unimplemented("no message to a method that takes one"));
        }
        Ok(())
    }
}
