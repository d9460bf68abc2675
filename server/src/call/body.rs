//! Follows an answer's body to the call's end.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use drawbridge_call::EndReason;
use http::{HeaderMap, HeaderValue};
use http_body::{Body as HttpBody, Frame};
use tokio::task::coop;
use tonic::{Code, Status};

use super::context::CallContext;
use super::layer::{CallGuard, GRPC_STATUS, code_in};
use crate::front::frames::FrameScanner;

/// The body of a call's answer, as the connection sees it: the handler's own frames, and then its trailers or those
/// of whatever ended the call before. It never errs: an error would reach no gRPC-Web client as a status.
///
/// The handler's body itself is kept in the [`CallContext`]. Dropping this one records that the caller has gone, and
/// drops the handler's.
pub(crate) struct CallBody {
    /// `None` once the last frame was handed over.
    guard: Option<CallGuard>,
    scanner: FrameScanner,
}

impl CallBody {
    pub(crate) fn new(guard: Option<CallGuard>) -> Self {
        Self { guard, scanner: FrameScanner::default() }
    }

    /// Returns the body of an answer that is complete in its head.
    pub(crate) fn empty() -> Self {
        Self::new(None)
    }
}

impl HttpBody for CallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { guard, scanner } = &mut *self;
        let Some(CallGuard(context)) = guard else { return Poll::Ready(None) };
        // A stream that is always ready takes its turns like everybody else on the runtime.
        let budget = ready!(coop::poll_proceed(cx));
        let polled = match context.end_reason() {
            Some(_) => None,
            None => {
                context.with_body(|body| catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx))))
            }
        };
        if let Some(Ok(Poll::Pending)) = polled {
            // Registered before the look at the end, so that no end falls between the two.
            context.register(cx.waker());
            if context.end_reason().is_none() {
                return Poll::Pending;
            }
        }
        if let Some(Ok(Poll::Ready(Some(end)))) = &polled
            && is_failure(end)
        {
            context.check_deadline();
        }
        let frame = match polled {
            // What ended the call during this very poll stands before what the poll returned.
            _ if context.end_reason().is_some() => None,
            None | Some(Ok(Poll::Pending)) => None,
            Some(Ok(Poll::Ready(Some(Ok(frame))))) => Some(with_trailers(context, frame)),
            Some(Ok(Poll::Ready(Some(Err(error))))) => {
                Some(with_trailers(context, Frame::trailers(trailers_of(&error))))
            }
            Some(Ok(Poll::Ready(None))) => {
                context.end(EndReason::Completed(Code::Unknown));
                None
            }
            Some(Err(_panic)) => {
                context.end(EndReason::Panicked);
                None
            }
        };
        budget.made_progress();
        let frame = frame.or_else(|| {
            let status = context.end_reason().and_then(EndReason::status)?;
            Some(Frame::trailers(trailers_of(&status)))
        });
        match &frame {
            Some(frame) if frame.is_data() => {
                let data = frame.data_ref().map_or(&[][..], AsRef::as_ref);
                count_messages(scanner, context, data);
            }
            Some(frame) => {
                if let Some(trailers) = frame.trailers_ref() {
                    context.end(EndReason::Completed(code_in(trailers)));
                }
                *guard = None;
            }
            None => *guard = None,
        }
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.guard.is_none()
    }
}

fn count_messages(scanner: &mut FrameScanner, context: &CallContext, data: &[u8]) {
    let Ok(()) = scanner.scan::<Infallible>(data, |_| {
        context.count_message();
        Ok(())
    });
}

/// Tells whether a frame ends the answer with a failure.
fn is_failure(frame: &Result<Frame<Bytes>, Status>) -> bool {
    match frame {
        Ok(frame) => frame.trailers_ref().is_some_and(|trailers| code_in(trailers) != Code::Ok),
        Err(_) => true,
    }
}

/// Adds to the last frame what the handler has set for it.
fn with_trailers(context: &CallContext, mut frame: Frame<Bytes>) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        context.add_trailers(trailers);
    }
    frame
}

fn trailers_of(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        // A message that no header can carry is left out; the code always fits.
        trailers.insert(GRPC_STATUS, HeaderValue::from(status.code() as i32));
    }
    trailers
}
