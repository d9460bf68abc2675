//! Translates between gRPC-Web and gRPC
//! ([gRPC-Web](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md)).

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body as AxumBody;
use bytes::Bytes;
use futures_util::future::{Either, Ready, ready};
use http::header::{self, Entry};
use http::{Request, Response};
use http_body::Body as HttpBody;
use hyper::service::Service;
use pin_project_lite::pin_project;
use tonic::Status;
use tonic::body::Body;

use super::arrival::Arrival;
use super::content_type::{Codecs, FrontProtocol, Spoken, read};
use super::text::FromText;
use super::web_body::WebBody;

/// A service that speaks all of gRPC's forms for one that speaks gRPC alone. What is no gRPC is refused.
#[derive(Clone, Debug)]
pub(crate) struct Web<S> {
    inner: S,
}

impl<S> Web<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, B> Service<Request<Body>> for Web<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: HttpBody<Data = Bytes, Error = Status> + Unpin + Send + 'static,
{
    type Response = Response<AxumBody>;
    type Error = Infallible;
    type Future = Either<WebFuture<S::Future>, Ready<Result<Response<AxumBody>, Infallible>>>;

    fn call(&self, mut request: Request<Body>) -> Self::Future {
        // Whoever a call is forwarded to may know codecs that are not known here.
        let forwarded = request.extensions().get().is_some_and(|arrival: &Arrival| arrival.route.is_some());
        let spoken = match read(&request, if forwarded { Codecs::Any } else { Codecs::Protobuf }) {
            Ok(spoken) => spoken,
            Err(refused) => return Either::Right(ready(Ok(*refused))),
        };
        request.extensions_mut().get_or_insert_with(Arrival::default).protocol = spoken.protocol;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, spoken.for_the_service());
        if spoken.protocol != FrontProtocol::Grpc {
            headers.remove(header::CONTENT_LENGTH);
        }
        if spoken.protocol == FrontProtocol::GrpcWebText {
            request = request.map(|body| Body::new(FromText::new(body)));
        }
        Either::Left(WebFuture { inner: self.inner.call(request), spoken })
    }
}

pin_project! {
    /// The future of [`Web`].
    pub(crate) struct WebFuture<F> {
        #[pin]
        inner: F,
        spoken: Spoken,
    }
}

impl<F, B> Future for WebFuture<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
    B: HttpBody<Data = Bytes, Error = Status> + Unpin + Send + 'static,
{
    type Output = Result<Response<AxumBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Poll::Ready(Ok(mut answer)) = this.inner.poll(cx) else { return Poll::Pending };
        let protocol = this.spoken.protocol;
        if protocol != FrontProtocol::Grpc {
            let headers = answer.headers_mut();
            match headers.entry(header::CONTENT_TYPE) {
                Entry::Occupied(mut answered) => {
                    let content_type = this.spoken.for_the_caller(Some(answered.get()));
                    answered.insert(content_type);
                }
                Entry::Vacant(none) => drop(none.insert(this.spoken.for_the_caller(None))),
            }
            // The trailers go into the body, and a length that was known is not that of the translation.
            headers.remove(header::TRAILER);
            headers.remove(header::CONTENT_LENGTH);
        }
        Poll::Ready(Ok(answer.map(|body| AxumBody::new(WebBody::new(body, protocol)))))
    }
}
