//! Follows a response body to the end of its call.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;

use bytes::Bytes;
use drawbridge_core::frame::FrameScanner;
use drawbridge_core::status::{code_in, trailers_of};
use drawbridge_core::{EndReason, Protocol};
use http_body::{Body as HttpBody, Frame};
use tokio::task::coop;
use tonic::body::Body;
use tonic::{Code, Status};

use super::context::CallContext;
use super::guard::CallGuard;

/// The response body of a call, as the connection sees it: the handler's frames, and then its trailers, or those of
/// whatever ended the call before.
///
/// Every end is trailers, since no error reaches a gRPC-Web client as a status. There is one exception: a gRPC-Web response
/// that ends inside of a message fails with [`Truncated`]. Its trailers would be part of the body, and be read as the rest of
/// the message.
///
/// The handler's body itself is kept in the [`CallContext`]. Dropping this one ends the call as
/// [`EndReason::ClientGone`], and drops the handler's.
#[derive(Default)]
pub struct CallBody {
    /// What the handler had ready together with the head of its response: a message and its trailers, which is the whole of most
    /// responses. Such a call has ended before its response is sent.
    message: Option<Bytes>,
    next: Option<Frame<Bytes>>,
    /// `None` once the last frame was read.
    guard: Option<CallGuard>,
    /// Whether there is more than what was ready.
    goes_on: bool,
    /// Whether the response broke off inside of a message.
    truncated: bool,
    scanner: FrameScanner,
}

/// A response ended inside of a message. The connection has to be broken off, so that the caller does not take what it has
/// for a whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response ended inside of a message")]
pub struct Truncated;

/// What a poll of the handler's body returned, or that it panicked.
type Polled = thread::Result<Poll<Option<Result<Frame<Bytes>, Status>>>>;

/// What the connection gets for a poll of the handler's body.
enum Next {
    /// A message or a part of one, and there is more.
    Data(Frame<Bytes>),
    /// The last frame. `None`: there are no trailers to send.
    End(Option<Frame<Bytes>>),
    /// The response breaks off.
    Truncated,
}

impl CallBody {
    /// Takes over a response that goes on in `body`. To be called inside of the call's scope.
    #[inline]
    pub(super) fn begin(context: &CallContext, mut body: Body, cx: &mut Context<'_>) -> Self {
        let mut this = Self { goes_on: true, ..Self::default() };
        while this.goes_on && this.next.is_none() {
            let polled = poll(&mut body, cx);
            if let Ok(Poll::Pending) = polled {
                break;
            }
            match settle(context, &mut this.scanner, Some(polled)) {
                Next::Data(frame) if this.message.is_none() => this.message = frame.into_data().ok(),
                Next::Data(frame) => this.next = Some(frame),
                Next::End(frame) => (this.next, this.goes_on) = (frame, false),
                Next::Truncated => (this.truncated, this.goes_on) = (true, false),
            }
        }
        if this.goes_on {
            context.put_body(body);
        } else {
            drop(body);
            context.handler_stopped();
        }
        this
    }

    /// Makes this follow the call to its end, if it has not ended yet.
    pub(super) fn followed_by(mut self, guard: CallGuard) -> Self {
        self.guard = self.goes_on.then_some(guard);
        self
    }
}

impl HttpBody for CallBody {
    type Data = Bytes;
    type Error = Truncated;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Truncated>>> {
        let Self { message, next, guard, truncated, scanner, .. } = &mut *self;
        if let Some(frame) = message.take().map(Frame::data).or_else(|| next.take()) {
            return Poll::Ready(Some(Ok(frame)));
        }
        let Some(CallGuard(context)) = guard else {
            return Poll::Ready(std::mem::take(truncated).then_some(Err(Truncated)));
        };
        // A stream that is always ready takes its turns like every other task of the runtime.
        let budget = ready!(coop::poll_proceed(cx));
        let polled = match context.end_reason() {
            Some(_) => None,
            None => context.with_body(|body| poll(body, cx)),
        };
        if let Some(Ok(Poll::Pending)) = polled {
            // Registered before the look at the end, so that no end falls between the two.
            context.register(cx.waker());
            if context.end_reason().is_none() {
                return Poll::Pending;
            }
        }
        budget.made_progress();
        let (frame, goes_on) = match settle(context, scanner, polled) {
            Next::Data(frame) => (Some(Ok(frame)), true),
            Next::End(frame) => (frame.map(Ok), false),
            Next::Truncated => (Some(Err(Truncated)), false),
        };
        if !goes_on {
            *guard = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.guard.is_none() && !self.truncated && self.message.is_none() && self.next.is_none()
    }
}

fn poll(body: &mut Body, cx: &mut Context<'_>) -> Polled {
    catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx)))
}

/// Returns what follows from a poll of the handler's body, `None` if there was no body any more. Once it is not data, the
/// call has ended.
fn settle(context: &CallContext, scanner: &mut FrameScanner, polled: Option<Polled>) -> Next {
    match polled {
        Some(Ok(Poll::Ready(Some(frame)))) => {
            let mut frame = frame.unwrap_or_else(|error| Frame::trailers(trailers_of(&error)));
            if let Some(trailers) = frame.trailers_mut() {
                let mut code = code_in(trailers);
                if code == Code::Ok && !scanner.at_boundary() {
                    // An upstream that says so has lost a part of its response.
                    let status = Status::internal(Truncated.to_string());
                    *trailers = trailers_of(&status);
                    code = status.code();
                }
                if code != Code::Ok {
                    context.check_deadline();
                }
                context.add_trailers(trailers);
                if context.end(EndReason::Completed(code)) {
                    return end(context, scanner, Some(frame));
                }
            } else if context.end_reason().is_none() {
                count_messages(scanner, context, frame.data_ref().map_or(&[][..], AsRef::as_ref));
                return Next::Data(frame);
            }
        }
        Some(Ok(Poll::Ready(None))) => {
            context.end(EndReason::Completed(Code::Unknown));
        }
        Some(Err(_panic)) => {
            context.end(EndReason::Panicked);
        }
        Some(Ok(Poll::Pending)) | None => {}
    }
    // What ended the call during this poll stands before what the poll returned.
    let status = context.end_status();
    end(context, scanner, status.map(|status| Frame::trailers(trailers_of(&status))))
}

/// Ends a response with these trailers, unless it is inside of a message and its trailers would be taken for the rest of it.
fn end(context: &CallContext, scanner: &FrameScanner, trailers: Option<Frame<Bytes>>) -> Next {
    if scanner.at_boundary() || context.protocol() == Protocol::Grpc {
        Next::End(trailers)
    } else {
        Next::Truncated
    }
}

fn count_messages(scanner: &mut FrameScanner, context: &CallContext, data: &[u8]) {
    let Ok(()) = scanner.scan::<Infallible>(data, |_| {
        context.count_message();
        Ok(())
    });
}
