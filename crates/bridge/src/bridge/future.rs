//! The future of a bridge's response.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::service::Service;
use pin_project_lite::pin_project;
use tonic::body::Body;

use super::stack::Stack;
use crate::service::ResponseFuture;

pin_project! {
    /// The future of a [`BridgeService`](crate::BridgeService). Dropping it ends the call.
    pub struct BridgeFuture {
        #[pin]
        inner: Inner,
    }
}

pin_project! {
    #[project = InnerProjection]
    enum Inner {
        // As it is: a box would be one allocation more for each call.
        Grpc { #[pin] future: <Stack as Service<Request<Body>>>::Future },
        Boxed { future: ResponseFuture },
    }
}

impl BridgeFuture {
    pub(super) fn grpc(future: <Stack as Service<Request<Body>>>::Future) -> Self {
        Self { inner: Inner::Grpc { future } }
    }
}

impl From<ResponseFuture> for BridgeFuture {
    fn from(future: ResponseFuture) -> Self {
        Self { inner: Inner::Boxed { future } }
    }
}

impl Future for BridgeFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().inner.project() {
            InnerProjection::Grpc { future } => future.poll(cx),
            InnerProjection::Boxed { future } => future.as_mut().poll(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_future_is_small_enough_to_be_moved() {
        // hyper moves it into a task, which an open stream keeps, and moves the task.
        assert!(size_of::<BridgeFuture>() <= 64, "{}", size_of::<BridgeFuture>());
    }

    #[test]
    fn the_body_of_an_open_stream_is_small() {
        // One of the classes of sizes that allocators have: the next is 320.
        let size = size_of::<crate::web::GrpcWebBody<crate::call::CallBody>>();
        assert!(size <= 256, "{size}");
    }
}
