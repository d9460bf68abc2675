//! The answer of a child call.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use drawbridge_core::EndReason;
use drawbridge_core::status::code_in;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};

use super::bounds::Bounds;
use crate::call::{Activity, CallContext};

/// The body of a child's answer, until its bounds end it. Then it yields their status as its error, which tonic's
/// clients hand on as it is, and the child's own body is dropped, which resets its stream.
///
/// Without bounds, it notes for the parent's record how the call ends, and no more.
///
/// The bounds are looked at whenever the body is polled. Whoever keeps a body without polling it keeps its stream
/// open on this side; the server on the other keeps the deadline for itself.
pub(super) struct ChildBody {
    /// `None` once the body has ended.
    open: Option<Open>,
}

struct Open {
    body: Body,
    bounds: Option<Bounds>,
    /// Has the call on its parent's record.
    working: Option<Activity>,
}

impl ChildBody {
    pub(super) fn new(body: Body, bounds: Option<Bounds>, working: Option<Activity>) -> Self {
        Self { open: Some(Open { body, bounds, working }) }
    }

    /// Ends the body, and notes for the parent's record with what the call came back.
    fn end(&mut self, code: Code) {
        if let Some(Open { working: Some(working), .. }) = self.open.take() {
            working.set_code(code);
        }
    }
}

impl HttpBody for ChildBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(Open { body, bounds, .. }) = &mut self.open else { return Poll::Ready(None) };
        if let Some(bounds) = bounds
            && let Poll::Ready(status) = bounds.poll(cx)
        {
            self.end(status.code());
            return Poll::Ready(Some(Err(status)));
        }
        let result = ready!(Pin::new(body).poll_frame(cx));
        match &result {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.end(code_in(trailers));
                }
            }
            Some(Err(status)) => self.end(status.code()),
            // An answer that breaks off may have ended the call that it is for, which knows why.
            None => self.end(
                CallContext::current()
                    .and_then(|call| call.end_reason().map(EndReason::code))
                    .unwrap_or(Code::Unknown),
            ),
        }
        Poll::Ready(result)
    }

    fn is_end_stream(&self) -> bool {
        self.open.as_ref().is_none_or(|open| open.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.open.as_ref().map_or_else(|| SizeHint::with_exact(0), |open| open.body.size_hint())
    }
}
