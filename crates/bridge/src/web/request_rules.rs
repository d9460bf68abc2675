//! Rules for the messages of a request to a hosted service.
//!
//! tonic decodes messages and is lenient around them: a second message to a unary method is ignored, no message at all is
//! INTERNAL, a message that ends right behind its prefix counts as a clean end, and one that is too long is
//! `OUT_OF_RANGE`. Here the prefixes are read as they pass. Each violation gets the code of the gRPC specification, and a
//! length is checked before anything of that length is stored.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hashbrown::HashMap;
use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::service::Service;
use tonic::Status;
use tonic::body::Body;

use drawbridge_core::frame::{FramePrefix, FrameScanner};

/// How many messages a method takes, by its path. A method that is not here may have any number.
#[derive(Clone, Debug, Default)]
pub(crate) struct MethodKinds(HashMap<String, RequestKind>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestKind {
    OneMessage,
    Stream,
}

impl MethodKinds {
    /// Adds the methods of an encoded `FileDescriptorSet`.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not such a set.
    #[cfg(feature = "descriptors")]
    pub(crate) fn add(&mut self, descriptors: &[u8]) -> Result<(), prost::DecodeError> {
        use prost::Message as _;

        for file in prost_types::FileDescriptorSet::decode(descriptors)?.file {
            let package = file.package();
            let prefix = if package.is_empty() { String::new() } else { format!("{package}.") };
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{prefix}{}/{}", service.name(), method.name());
                    let kind =
                        if method.client_streaming() { RequestKind::Stream } else { RequestKind::OneMessage };
                    self.0.insert(path, kind);
                }
            }
        }
        Ok(())
    }
}

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
        let rules = Rules {
            one_message: self.kinds.0.get(request.uri().path()) == Some(&RequestKind::OneMessage),
            max_message_bytes: self.max_message_bytes,
            messages: 0,
        };
        self.inner.call(request.map(|inner| {
            Body::new(RuledBody { inner, rules, scanner: FrameScanner::default(), over: false })
        }))
    }
}

struct Rules {
    one_message: bool,
    max_message_bytes: u32,
    messages: u64,
}

impl Rules {
    fn message(&mut self, prefix: FramePrefix) -> Result<(), Status> {
        self.messages += 1;
        if prefix.flags > 1 {
            let flags = prefix.flags;
            return Err(Status::internal(format!(
                "message with flags {flags:#04x}: expected 0 (plain) or 1 (compressed)"
            )));
        }
        if prefix.length > self.max_message_bytes {
            let (length, max) = (prefix.length, self.max_message_bytes);
            return Err(Status::resource_exhausted(format!(
                "message of {length} bytes: at most {max} are accepted"
            )));
        }
        if self.one_message && self.messages > 1 {
            return Err(Status::unimplemented("more than one message to a method that takes one"));
        }
        Ok(())
    }

    fn end(&self, at_boundary: bool) -> Result<(), Status> {
        if !at_boundary {
            return Err(Status::internal("the request ended inside a message"));
        }
        if self.one_message && self.messages == 0 {
            return Err(Status::unimplemented("no message to a method that takes one"));
        }
        Ok(())
    }
}

struct RuledBody {
    inner: Body,
    rules: Rules,
    scanner: FrameScanner,
    over: bool,
}

impl HttpBody for RuledBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        let polled = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        let verdict = match &polled {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) => this.scanner.scan(data, |prefix| this.rules.message(prefix)),
                None => this.rules.end(this.scanner.at_boundary()),
            },
            Some(Err(_)) => Ok(()),
            None => {
                this.over = true;
                this.rules.end(this.scanner.at_boundary())
            }
        };
        if let Err(status) = verdict {
            this.over = true;
            return Poll::Ready(Some(Err(status)));
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        // The end itself is checked, so it has to be polled.
        self.over
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
