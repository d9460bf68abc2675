//! Follows a child call to its end.

use std::task::{Context, Poll};

use drawbridge_core::EndReason;
use drawbridge_core::headers::GRPC_STATUS;
use drawbridge_core::status::code_in;
use http::Response;
use http_body::Body as _;
use tonic::body::Body;
use tonic::{Code, Status};

use super::cancellation::Cancellation;
use crate::body::{BodyEnd, FrameInspector, InspectedBody};
use crate::call::{Activity, CallContext};

/// A child call that has not ended: what cancels it, and its entry in the record of its parent.
pub(super) struct ChildCall {
    pub(super) cancellation: Option<Cancellation>,
    /// `None` without a parent, and once the code of the call is recorded.
    activity: Option<Activity>,
}

impl ChildCall {
    pub(super) const fn new(cancellation: Option<Cancellation>, activity: Option<Activity>) -> Self {
        Self { cancellation, activity }
    }

    /// Takes the call out. What is left is not cancelled, and records nothing.
    pub(super) fn take(&mut self) -> Self {
        Self::new(self.cancellation.take(), self.activity.take())
    }

    /// Resolves when the call is cancelled, with its status.
    pub(super) fn poll_cancelled(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        self.cancellation.as_mut().map_or(Poll::Pending, |cancellation| cancellation.poll(cx))
    }

    /// Records that the call has ended with this code.
    pub(super) fn ended(&mut self, code: Code) {
        if let Some(activity) = self.activity.take() {
            activity.set_code(code);
        }
    }

    /// Follows the response to its end.
    pub(super) fn follow(mut self, response: Response<Body>) -> Response<Body> {
        if response.headers().contains_key(GRPC_STATUS) {
            self.ended(code_in(response.headers()));
        }
        let has_ended = response.body().is_end_stream();
        if has_ended || (self.cancellation.is_none() && self.activity.is_none()) {
            return response;
        }
        response.map(|body| Body::new(InspectedBody::new(body, self)))
    }
}

/// Ends the response body when the call is cancelled: the body fails with the status, which tonic's clients return as it is,
/// and the inner body is dropped, which resets its stream.
///
/// This takes place when the body is polled. A body that is not polled keeps its stream open on this side. The server enforces
/// the deadline on its own.
impl FrameInspector for ChildCall {
    fn poll_abort(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        self.poll_cancelled(cx)
    }

    fn on_end(&mut self, end: BodyEnd<'_>) -> Result<(), Status> {
        self.ended(match end {
            BodyEnd::Trailers(trailers) => code_in(trailers),
            BodyEnd::Failed(status) => status.code(),
            // An upstream that fails in the middle of a response has ended the current call, which has the code.
            BodyEnd::Complete => CallContext::current()
                .and_then(|call| call.end_reason().map(EndReason::code))
                .unwrap_or(Code::Unknown),
        });
        Ok(())
    }
}

/// Records the code of a response in an activity of its call, at the end of the response.
#[cfg(feature = "upstream")]
pub(crate) fn record_response(response: Response<Body>, activity: Option<Activity>) -> Response<Body> {
    ChildCall::new(None, activity).follow(response)
}
