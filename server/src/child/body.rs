//! The answer of a child call.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::bounds::Bounds;

/// The body of a child's answer, until its bounds end it. Then it yields their status as its error, which tonic's
/// clients hand on as it is, and the child's own body is dropped, which resets its stream.
///
/// The bounds are looked at whenever the body is polled. Whoever keeps a body without polling it keeps its stream
/// open on this side; the server on the other keeps the deadline for itself.
pub(super) struct ChildBody {
    /// `None` once the body has ended.
    open: Option<(Body, Bounds)>,
}

impl ChildBody {
    pub(super) fn new(body: Body, bounds: Bounds) -> Self {
        Self { open: Some((body, bounds)) }
    }
}

impl HttpBody for ChildBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some((body, bounds)) = &mut self.open else { return Poll::Ready(None) };
        if let Poll::Ready(status) = bounds.poll(cx) {
            self.open = None;
            return Poll::Ready(Some(Err(status)));
        }
        let result = ready!(Pin::new(body).poll_frame(cx));
        if !matches!(&result, Some(Ok(frame)) if frame.is_data()) {
            self.open = None;
        }
        Poll::Ready(result)
    }

    fn is_end_stream(&self) -> bool {
        self.open.as_ref().is_none_or(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.open.as_ref().map_or_else(|| SizeHint::with_exact(0), |(body, _)| body.size_hint())
    }
}
