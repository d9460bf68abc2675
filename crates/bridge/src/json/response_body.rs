//! The response body as the caller gets it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use drawbridge_json::{Message, PrintOptions, from_wire};
use http_body::{Body as HttpBody, Frame};
use tonic::body::Body;
use tonic::{Code, Status};

use super::failure::Failure;
use super::frames::{Frames, put_message};

/// A body of protobuf messages that becomes one of JSON messages. A failure of the request ends it.
pub(super) struct ResponseBody {
    /// `None` after the end.
    inner: Option<Body>,
    frames: Frames,
    message: Message,
    options: PrintOptions,
    failure: Failure,
}

impl ResponseBody {
    pub(super) fn new(
        inner: Body,
        frames: Frames,
        message: Message,
        options: PrintOptions,
        failure: Failure,
    ) -> Self {
        Self { inner: Some(inner), frames, message, options, failure }
    }

    /// Translates the messages that are whole.
    fn translate(&mut self) -> Result<Option<Bytes>, Status> {
        let mut out = BytesMut::new();
        // What is malformed here is no fault of the caller.
        let blameless = |status: Status| match status.code() {
            Code::InvalidArgument => Status::internal(status.message()),
            _ => status,
        };
        while let Some(wire) = self.frames.next().map_err(blameless)? {
            let json = from_wire(&self.message, &wire, self.options).map_err(|error| {
                let message =
                    format!("the response is no `{}` with a JSON: {error}", self.message.full_name());
                if error.is_too_large() {
                    Status::resource_exhausted(message)
                } else {
                    Status::internal(message)
                }
            })?;
            put_message(&mut out, &json)?;
        }
        Ok((!out.is_empty()).then(|| out.freeze()))
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
            match ready!(Pin::new(inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.frames.push(&data);
                        if let Some(data) = self.translate()? {
                            return Poll::Ready(Some(Ok(Frame::data(data))));
                        }
                    }
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = match self.poll_inner(cx) {
            // What the response says after a failure of the request follows from the failure.
            Poll::Ready(polled) => match self.failure.take() {
                Some(status) => Some(Err(status)),
                None => polled,
            },
            Poll::Pending => Some(Err(ready!(self.failure.poll(cx)))),
        };
        if polled.as_ref().is_none_or(Result::is_err) {
            self.inner = None;
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }
}
