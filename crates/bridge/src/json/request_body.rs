//! The request body as the callee gets it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use drawbridge_json::{Message, ParseOptions, to_wire};
use http_body::{Body as HttpBody, Frame};
use tonic::Status;
use tonic::body::Body;

use super::failure::Failure;
use super::frames::{Frames, put_message};

/// A body of JSON messages that becomes one of protobuf messages.
pub(super) struct RequestBody {
    /// `None` after the end.
    inner: Option<Body>,
    frames: Frames,
    message: Message,
    options: ParseOptions,
    failure: Failure,
    /// Called when a field or a value is not known: the contract may be a newer one.
    on_unknown: Box<dyn Fn() + Send>,
}

impl RequestBody {
    pub(super) fn new(
        inner: Body,
        frames: Frames,
        message: Message,
        options: ParseOptions,
        failure: Failure,
        on_unknown: impl Fn() + Send + 'static,
    ) -> Self {
        let on_unknown = Box::new(on_unknown);
        Self { inner: Some(inner), frames, message, options, failure, on_unknown }
    }

    /// Translates the messages that are whole.
    fn translate(&mut self) -> Result<Option<Bytes>, Status> {
        let mut out = BytesMut::new();
        while let Some(json) = self.frames.next()? {
            let wire = to_wire(&self.message, &json, self.options).map_err(|error| {
                if error.is_unknown() {
                    (self.on_unknown)();
                }
                let message = format!("the JSON is not a `{}`: {error}", self.message.full_name());
                if error.is_too_large() {
                    Status::resource_exhausted(message)
                } else {
                    Status::invalid_argument(message)
                }
            })?;
            put_message(&mut out, &wire)?;
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
                        match self.translate() {
                            Ok(None) => {}
                            Ok(Some(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                            Err(status) => return Poll::Ready(Some(Err(self.fail(status)))),
                        }
                    }
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                Some(Err(status)) => {
                    self.inner = None;
                    return Poll::Ready(Some(Err(status)));
                }
                None if self.frames.is_at_boundary() => {
                    self.inner = None;
                    return Poll::Ready(None);
                }
                None => {
                    let status = Status::internal("the request ended inside a message");
                    return Poll::Ready(Some(Err(self.fail(status))));
                }
            }
        }
    }

    fn fail(&mut self, status: Status) -> Status {
        self.inner = None;
        self.failure.set(status.clone());
        status
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.poll_inner(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream) && self.frames.is_at_boundary()
    }
}
