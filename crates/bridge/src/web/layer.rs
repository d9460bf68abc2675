//! The layer that translates between gRPC-Web and gRPC
//! ([gRPC-Web](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md)).

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either, ready};
use http::header::{self, Entry};
use http::{Extensions, HeaderMap, Request, Response};
use http_body::Body as HttpBody;
use hyper::service::Service as HyperService;
use pin_project_lite::pin_project;
use tonic::Status;
use tonic::body::Body;
use tower::util::Oneshot;
use tower::{BoxError, Layer, Service, ServiceExt as _};

use super::base64_body::Base64Body;
use super::body::GrpcWebBody;
use super::content_type::{Codecs, read};
use drawbridge_core::{ContentType, Protocol};

/// Serves gRPC-Web, binary and text, with a service that speaks gRPC alone.
///
/// - Native gRPC over HTTP/2 passes through. Anything that is not gRPC is refused: 405 for a method other than POST, 415
///   for a content-type that is not gRPC's, 505 for native gRPC over HTTP/1.1.
/// - Trailers become the last frame of the body, in the same write as the last message where both are ready.
/// - The [`Protocol`] of the request is inserted into its extensions.
///
/// It works on a tonic `Server` and on an axum `Router`, with or without the rest of this crate. Put it outside of a
/// [`CallLayer`](crate::CallLayer), so that the status which ends a call is translated too, and put CORS outside of it.
///
/// ```
/// # use drawbridge_proto::greet::greeter_server::{Greeter, GreeterServer};
/// # fn router(greeter: impl Greeter) {
/// use drawbridge::GrpcWebLayer;
/// use tonic::service::Routes;
///
/// let router = Routes::new(GreeterServer::new(greeter)).into_axum_router().layer(GrpcWebLayer::new());
/// # let _: axum::Router = router;
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct GrpcWebLayer {
    /// Which codecs a request may name.
    codecs: fn(&Extensions) -> Codecs,
}

impl GrpcWebLayer {
    /// Creates the layer for services whose messages are protobuf: a request that names another codec is refused with 415.
    pub const fn new() -> Self {
        Self { codecs: |_| Codecs::Protobuf }
    }

    /// Accepts any codec, such as `application/grpc-web+json`, for a service that reads messages itself.
    #[must_use]
    pub fn any_codec(mut self) -> Self {
        self.codecs = |_| Codecs::Any;
        self
    }

    /// Decides which codecs a request may name by its extensions.
    pub(crate) const fn with_codecs(codecs: fn(&Extensions) -> Codecs) -> Self {
        Self { codecs }
    }
}

impl Default for GrpcWebLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for GrpcWebLayer {
    type Service = GrpcWebService<S>;

    fn layer(&self, inner: S) -> GrpcWebService<S> {
        GrpcWebService { inner, codecs: self.codecs }
    }
}

/// The service that [`GrpcWebLayer`] makes.
#[derive(Clone, Debug)]
pub struct GrpcWebService<S> {
    inner: S,
    codecs: fn(&Extensions) -> Codecs,
}

impl<S> GrpcWebService<S> {
    /// Makes a request one of gRPC, and returns what its response needs.
    fn translate(
        &self,
        mut request: Request<Body>,
    ) -> Result<(Request<Body>, ContentType), Box<Response<Body>>> {
        let format = read(&request, (self.codecs)(request.extensions()))?;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, format.for_service());
        if format.protocol() == Protocol::Grpc {
            return Ok((request, format));
        }
        headers.remove(header::CONTENT_LENGTH);
        request.extensions_mut().insert(format.protocol());
        if format.protocol() == Protocol::GrpcWebText {
            request = request.map(|body| Body::new(Base64Body::new(body)));
        }
        Ok((request, format))
    }
}

/// Boxed: the future of a call has no room for a response.
type Refused = BoxFuture<'static, Result<Response<Body>, Infallible>>;

impl<S, B> HyperService<Request<Body>> for GrpcWebService<S>
where
    S: HyperService<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: HttpBody<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError> + Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<GrpcWebFuture<S::Future>, Refused>;

    fn call(&self, request: Request<Body>) -> Self::Future {
        match self.translate(request) {
            Ok((request, format)) => Either::Left(GrpcWebFuture { inner: self.inner.call(request), format }),
            Err(refused) => Either::Right(Box::pin(ready(Ok(*refused)))),
        }
    }
}

impl<S, R, B> Service<Request<R>> for GrpcWebService<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError> + Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<GrpcWebFuture<Oneshot<S, Request<Body>>>, Refused>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Each call waits for the inner service by itself.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        match self.translate(request.map(Body::new)) {
            Ok((request, format)) => {
                Either::Left(GrpcWebFuture { inner: self.inner.clone().oneshot(request), format })
            }
            Err(refused) => Either::Right(Box::pin(ready(Ok(*refused)))),
        }
    }
}

pin_project! {
    /// The future of a [`GrpcWebService`], up to the head of the response.
    pub struct GrpcWebFuture<F> {
        #[pin]
        inner: F,
        format: ContentType,
    }
}

impl<F, B, E> Future for GrpcWebFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError> + Send,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Poll::Ready(result) = this.inner.poll(cx) else { return Poll::Pending };
        let mut response = match result {
            Ok(response) => response.map(|body| Body::new(GrpcWebBody::new(body, this.format.protocol()))),
            // A service that fails has no response; its error is the status of the call.
            Err(error) => Status::from_error(error.into()).into_http(),
        };
        if this.format.protocol() != Protocol::Grpc {
            let headers = response.headers_mut();
            set_content_type(headers, this.format);
            // The trailers go into the body, and the length of the translation is another. Few responses have either: to look for
            // both in one pass costs less than to remove what is not there.
            if headers.keys().any(|name| *name == header::TRAILER || *name == header::CONTENT_LENGTH) {
                headers.remove(header::TRAILER);
                headers.remove(header::CONTENT_LENGTH);
            }
        } else if !this.format.is_protobuf() {
            // A status that is not the service's own names no codec.
            set_content_type(response.headers_mut(), this.format);
        }
        Poll::Ready(Ok(response))
    }
}

/// Gives a response the content type of its request's protocol.
fn set_content_type(headers: &mut HeaderMap, format: &ContentType) {
    match headers.entry(header::CONTENT_TYPE) {
        Entry::Occupied(mut entry) => {
            let content_type = format.for_caller(Some(entry.get()));
            entry.insert(content_type);
        }
        Entry::Vacant(entry) => drop(entry.insert(format.for_caller(None))),
    }
}
