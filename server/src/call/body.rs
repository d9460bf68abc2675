//! Follows an answer's body to the call's end.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;

use bytes::Bytes;
use drawbridge_core::EndReason;
use http::{HeaderMap, HeaderValue};
use http_body::{Body as HttpBody, Frame};
use tokio::task::coop;
use tonic::body::Body;
use tonic::{Code, Status};

use super::context::CallContext;
use super::layer::{CallGuard, GRPC_STATUS, code_in};
use crate::front::frames::FrameScanner;

/// The body of a call's answer, as the connection sees it: the handler's own frames, and then its trailers or those
/// of whatever ended the call before. It never errs: an error would reach no gRPC-Web client as a status.
///
/// The handler's body itself is kept in the [`CallContext`]. Dropping this one records that the caller has gone, and
/// drops the handler's.
#[derive(Default)]
pub(crate) struct CallBody {
    /// What the handler had ready together with its answer's head.
    ready: [Option<Frame<Bytes>>; AT_ONCE],
    /// `None` once the handler's last frame was read.
    guard: Option<CallGuard>,
    /// Whether there is more than what was ready.
    goes_on: bool,
    scanner: FrameScanner,
}

/// How many frames are read together with an answer's head: a message and its trailers, which is the whole of most
/// answers. Such a call has ended before its answer is on its way, and never needs to be found by whoever may end it.
const AT_ONCE: usize = 2;

/// What a poll of the handler's body returned, or that it panicked.
type Polled = thread::Result<Poll<Option<Result<Frame<Bytes>, Status>>>>;

impl CallBody {
    /// Takes over from the handler, whose answer goes on in `body`. To be called inside the call's scope.
    pub(crate) fn begin(context: &CallContext, mut body: Body, cx: &mut Context<'_>) -> Self {
        let (mut ready, mut scanner) = ([const { None }; AT_ONCE], FrameScanner::default());
        for place in &mut ready {
            let polled = poll(&mut body, cx);
            if let Ok(Poll::Pending) = polled {
                break;
            }
            *place = settle(context, &mut scanner, Some(polled));
            if !place.as_ref().is_some_and(Frame::is_data) {
                drop(body);
                context.handler_stopped();
                return Self { ready, guard: None, goes_on: false, scanner };
            }
        }
        context.put_body(body);
        Self { ready, guard: None, goes_on: true, scanner }
    }

    /// Has this follow the call to its end, if it has not ended yet.
    pub(crate) fn followed_by(mut self, guard: CallGuard) -> Self {
        self.guard = self.goes_on.then_some(guard);
        self
    }
}

impl HttpBody for CallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { ready, guard, scanner, .. } = &mut *self;
        if let Some(frame) = ready.iter_mut().find_map(Option::take) {
            return Poll::Ready(Some(Ok(frame)));
        }
        let Some(CallGuard(context)) = guard else { return Poll::Ready(None) };
        // A stream that is always ready takes its turns like everybody else on the runtime.
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
        let frame = settle(context, scanner, polled);
        if !frame.as_ref().is_some_and(Frame::is_data) {
            *guard = None;
        }
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.guard.is_none() && self.ready.iter().all(Option::is_none)
    }
}

fn poll(body: &mut Body, cx: &mut Context<'_>) -> Polled {
    catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx)))
}

/// Returns the frame that follows from a poll of the handler's body, `None` where there was no body any more. What is
/// no data is the last frame, and the call has ended then.
fn settle(context: &CallContext, scanner: &mut FrameScanner, polled: Option<Polled>) -> Option<Frame<Bytes>> {
    match polled {
        Some(Ok(Poll::Ready(Some(frame)))) => {
            let mut frame = frame.unwrap_or_else(|error| Frame::trailers(trailers_of(&error)));
            if let Some(trailers) = frame.trailers_mut() {
                let code = code_in(trailers);
                if code != Code::Ok {
                    context.check_deadline();
                }
                context.add_trailers(trailers);
                if context.end(EndReason::Completed(code)) {
                    return Some(frame);
                }
            } else if context.end_reason().is_none() {
                count_messages(scanner, context, frame.data_ref().map_or(&[][..], AsRef::as_ref));
                return Some(frame);
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
    // What ended the call during this very poll stands before what the poll returned.
    let status = context.end_reason().and_then(EndReason::status)?;
    Some(Frame::trailers(trailers_of(&status)))
}

fn count_messages(scanner: &mut FrameScanner, context: &CallContext, data: &[u8]) {
    let Ok(()) = scanner.scan::<Infallible>(data, |_| {
        context.count_message();
        Ok(())
    });
}

fn trailers_of(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        // A message that no header can carry is left out; the code always fits.
        trailers.insert(GRPC_STATUS, HeaderValue::from(status.code() as i32));
    }
    trailers
}
